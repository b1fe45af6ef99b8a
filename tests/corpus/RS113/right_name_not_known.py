"""A name that is computed may be any."""
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


import os

take_order = Rpc(name=os.environ["NAME"], group="workers", request=Order, result=Order)
# file: shop/workflows/take_order.py
from resonate.context import Context

from ..contracts import order as contract
from ..contracts.order import Order
from ..runtime.durable.rpc import serve


@serve(contract.take_order)
async def take_order(ctx: Context, request: Order) -> Order:
    return request
# file: shop/workflows/worker.py
from ..runtime.durable.rpc import Registration
from .take_order import take_order

GROUP = "workers"

SERVED: list[Registration] = [take_order]
