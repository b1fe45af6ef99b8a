# file: app/rpc.py
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from resonate.context import Context, ResonateFuture


class DurableCall[R: BaseModel]:
    def __init__(self, future: ResonateFuture[Any], result: type[R]) -> None:
        self._future, self._result = future, result

    def __await__(self) -> Generator[Any, None, R]:
        return self._result.model_validate((yield from self._future.__await__()))


@dataclass(frozen=True)
class Rpc[Q: BaseModel, R: BaseModel]:
    name: str
    group: str
    request: type[Q]
    result: type[R]
    timeout: timedelta = timedelta(minutes=5)

    def __call__(self, ctx: Context, request: Q) -> DurableCall[R]:
        options = ctx.options(target=self.group, timeout=self.timeout)
        return DurableCall(options.rpc(self.name, request.model_dump(mode="json")), self.result)


@dataclass(frozen=True)
class Served:
    contract: Rpc[Any, Any]
    function: Callable[..., Awaitable[Any]]


def serve[Q: BaseModel, R: BaseModel](
    contract: Rpc[Q, R], function: Callable[[Context, Q], Awaitable[R]]
) -> Served:
    return Served(contract, function)
# file: app/__init__.py
# file: app/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Collect(BaseModel):
    sensors: list[str]


class Collected(BaseModel):
    values: list[float]


class Read(BaseModel):
    sensor: str


class Value(BaseModel):
    value: float


collect = Rpc(name="collect", group="workers", request=Collect, result=Collected)
read_sensor = Rpc(name="field.read", group="field", request=Read, result=Value)
# file: app/collecting.py
import os

from resonate.context import Context

from .contracts import Collect, Collected, Read, read_sensor


def limit() -> int:
    return int(os.getenv("MAX_SENSORS") or 10)  # want: RS204


async def collect_values(ctx: Context, request: Collect) -> Collected:
    calls = [read_sensor(ctx, Read(sensor=name)) for name in request.sensors[: limit()]]
    return Collected(values=[(await call).value for call in calls])
# file: app/worker.py
from . import contracts
from .collecting import collect_values
from .rpc import Served, serve

GROUP = "workers"

SERVED: list[Served] = [serve(contracts.collect, collect_values)]
