# file: garage/rpc.py (shared)
# file: garage/contracts.py
from datetime import timedelta

from pydantic import BaseModel

from garage.rpc import Rpc


class Inspect(BaseModel):
    plate: str


class Inspected(BaseModel):
    passed: bool


inspect = Rpc(name="lifts.inspect", group="lifts", request=Inspect, result=Inspected)
repaint = Rpc(name="paint.repaint", group="paint", request=Inspect, result=Inspected, timeout=timedelta(days=3))

# file: garage/service.py
from resonate.context import Context

from garage.contracts import Inspect, inspect, repaint


async def service(ctx: Context, plate: str) -> bool:
    first = inspect(ctx, Inspect(plate=plate))
    painted = await repaint(ctx, Inspect(plate=plate))
    return bool(await first and painted)
