# file: garage/rpc.py
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from resonate.context import Context


@dataclass(frozen=True)
class Rpc[Q: BaseModel, R: BaseModel]:
    name: str
    group: str
    request: type[Q]
    result: type[R]
    timeout: timedelta = timedelta(minutes=5)

    def __call__(self, ctx: Context, request: Q) -> Any:
        options: dict[str, Any] = {"target": self.group, "timeout": self.timeout}
        return ctx.options(**options).rpc(self.name, request.model_dump(mode="json"))

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
