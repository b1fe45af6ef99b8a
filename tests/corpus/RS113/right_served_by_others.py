"""Another team's function is called no longer."""
# file: .resonate-scaffold.json
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
# file: tests/contracts.json
{
  "functions": {
    "payments.charge@1": {
      "group": "payments.workers",
      "request": {},
      "result": {}
    },
    "place-order@1": {
      "group": "workers",
      "request": {},
      "result": {}
    }
  },
  "gates": {}
}
# file: shop/runtime/durable/rpc.py (shared)
# file: shop/runtime/durable/gate.py (shared)
# file: shop/runtime/engine/client.py (shared)
# file: shop/contracts/order.py
from pydantic import BaseModel

from ..runtime.durable.gate import Gate
from ..runtime.durable.rpc import Rpc


class Order(BaseModel):
    sku: str


place_order = Rpc(name="place-order", group="workers", request=Order, result=Order)
# file: shop/workflows/place_order.py
from resonate.context import Context

from ..contracts import order as contract
from ..contracts.order import Order
from ..runtime.durable.rpc import serve


@serve(contract.place_order)
async def place_order(ctx: Context, request: Order) -> Order:
    return request
# file: shop/workflows/worker.py
from ..runtime.durable.rpc import Registration
from .place_order import place_order

GROUP = "workers"

SERVED: list[Registration] = [place_order]
