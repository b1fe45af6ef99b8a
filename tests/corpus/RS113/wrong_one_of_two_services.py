"""Each service has a snapshot of its own."""
# file: a/.resonate-scaffold.json
{
  "tool": "resonate-scaffold",
  "version": "0.2.0",
  "template": {
    "name": "builtin"
  },
  "answers": {
    "package_name": "shop",
    "project_name": "shop"
  },
  "files": {}
}
# file: a/tests/contracts.json
{
  "functions": {
    "place-order@1": {
      "group": "workers",
      "request": {},
      "result": {}
    }
  },
  "gates": {}
}
# file: a/shop/runtime/durable/rpc.py (shared)
# file: a/shop/runtime/durable/gate.py (shared)
# file: a/shop/runtime/engine/client.py (shared)
# file: a/shop/contracts/order.py
from pydantic import BaseModel

from ..runtime.durable.gate import Gate
from ..runtime.durable.rpc import Rpc


class Order(BaseModel):
    sku: str


take_order = Rpc(name="take-order", group="workers", request=Order, result=Order)
# file: a/shop/workflows/take_order.py
from resonate.context import Context

from ..contracts import order as contract
from ..contracts.order import Order
from ..runtime.durable.rpc import serve


@serve(contract.take_order)
async def take_order(ctx: Context, request: Order) -> Order:
    return request
# file: a/shop/workflows/worker.py
from ..runtime.durable.rpc import Registration
from .take_order import take_order

GROUP = "workers"

SERVED: list[Registration] = [take_order]  # want: RS113
# file: b/.resonate-scaffold.json
{
  "tool": "resonate-scaffold",
  "version": "0.2.0",
  "template": {
    "name": "builtin"
  },
  "answers": {
    "package_name": "shop",
    "project_name": "shop"
  },
  "files": {}
}
# file: b/tests/contracts.json
{
  "functions": {
    "place-order@1": {
      "group": "workers",
      "request": {},
      "result": {}
    }
  },
  "gates": {}
}
# file: b/shop/runtime/durable/rpc.py (shared)
# file: b/shop/runtime/durable/gate.py (shared)
# file: b/shop/runtime/engine/client.py (shared)
# file: b/shop/contracts/order.py
from pydantic import BaseModel

from ..runtime.durable.gate import Gate
from ..runtime.durable.rpc import Rpc


class Order(BaseModel):
    sku: str


place_order = Rpc(name="place-order", group="workers", request=Order, result=Order)
# file: b/shop/workflows/place_order.py
from resonate.context import Context

from ..contracts import order as contract
from ..contracts.order import Order
from ..runtime.durable.rpc import serve


@serve(contract.place_order)
async def place_order(ctx: Context, request: Order) -> Order:
    return request
# file: b/shop/workflows/worker.py
from ..runtime.durable.rpc import Registration
from .place_order import place_order

GROUP = "workers"

SERVED: list[Registration] = [place_order]
