# file: garage/__init__.py
# file: garage/rpc.py
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from resonate.context import Context, ResonateFuture


class DurableCall[R: BaseModel]:
    def __init__(self, future: ResonateFuture[Any], result: type[R]) -> None:
        self._future = future
        self._result = result

    def __await__(self) -> Generator[Any, None, R]:
        value = yield from self._future.__await__()
        return self._result.model_validate(value)


@dataclass(frozen=True, slots=True)
class Rpc[Q: BaseModel, R: BaseModel]:
    name: str
    group: str
    request: type[Q]
    result: type[R]
    timeout: timedelta = timedelta(minutes=5)
    version: int = 1

    def __call__(self, ctx: Context, request: Q) -> DurableCall[R]:
        options = ctx.options(target=self.group, timeout=self.timeout, version=self.version)
        return DurableCall(options.rpc(self.name, request.model_dump(mode="json")), self.result)


@dataclass(frozen=True, slots=True)
class Served:
    contract: Rpc[Any, Any]
    function: Callable[[Context, dict[str, Any]], Awaitable[dict[str, Any]]]


def serve[Q: BaseModel, R: BaseModel](
    contract: Rpc[Q, R], function: Callable[[Context, Q], Awaitable[R]], *, retries: int = 0
) -> Served:
    async def run(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
        result = await function(ctx, contract.request.model_validate(request))
        return result.model_dump(mode="json")

    return Served(contract, run)

# file: garage/contracts.py
from datetime import timedelta

from pydantic import BaseModel

from .rpc import Rpc


class Inspect(BaseModel):
    plate: str


class Report(BaseModel):
    faults: list[str]


class Repair(BaseModel):
    plate: str
    faults: list[str]


class Done(BaseModel):
    hours: float


inspect = Rpc(name="inspect", group="workshop", request=Inspect, result=Report)
repair = Rpc(name="repair", group="workshp", request=Repair, result=Done, timeout=timedelta(days=3))  # want: RS102
service = Rpc(name="service", group="desk", request=Inspect, result=Done, timeout=timedelta(days=7))
# file: garage/workshop/__init__.py
# file: garage/workshop/worker.py
from resonate.context import Context

from ..contracts import Inspect, Report, inspect
from ..rpc import serve

GROUP = "workshop"


async def look(ctx: Context, request: Inspect) -> Report:
    return Report(faults=["brakes"] if request.plate else [])


SERVED = [serve(inspect, look)]
# file: garage/desk/__init__.py
# file: garage/desk/worker.py
from resonate.context import Context

from .. import contracts
from ..rpc import serve

GROUP = "desk"


async def book_in(ctx: Context, request: contracts.Inspect) -> contracts.Done:
    report = await contracts.inspect(ctx, request)
    return await contracts.repair(ctx, contracts.Repair(plate=request.plate, faults=report.faults))


SERVED = [serve(contracts.service, book_in)]
