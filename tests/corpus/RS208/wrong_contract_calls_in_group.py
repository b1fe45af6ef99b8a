# file: fleet/rpc.py
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
# file: fleet/__init__.py
# file: fleet/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Recall(BaseModel):
    cars: list[str]


class Recalled(BaseModel):
    count: int


class Stop(BaseModel):
    car: str


class Stopped(BaseModel):
    car: str


recall = Rpc(name="recall", group="workers", request=Recall, result=Recalled)
stop_car = Rpc(name="cars.stop", group="cars", request=Stop, result=Stopped)
# file: fleet/recalls.py
import asyncio as aio

from resonate.context import Context

from .contracts import Recall, Recalled, Stop, Stopped, stop_car


async def stopped(ctx: Context, car: str) -> Stopped:
    return await stop_car(ctx, Stop(car=car))


async def recall_cars(ctx: Context, request: Recall) -> Recalled:
    async with aio.TaskGroup() as group:  # want: RS208
        calls = [group.create_task(stopped(ctx, car)) for car in request.cars]
    return Recalled(count=len([call.result() for call in calls]))
# file: fleet/worker.py
from . import contracts
from .recalls import recall_cars
from .rpc import Served, serve

GROUP = "workers"

SERVED: list[Served] = [serve(contracts.recall, recall_cars)]
