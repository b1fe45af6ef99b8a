# file: canal/__init__.py
# file: canal/rpc.py
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

# file: canal/contracts.py
from datetime import timedelta

from pydantic import BaseModel

from .rpc import Rpc


class Boat(BaseModel):
    name: str


class Passed(BaseModel):
    locks: int


pass_lock = Rpc(name="locks.pass", group="locks", request=Boat, result=Passed, timeout=timedelta(hours=3))
travel = Rpc(name="travel", group="workers", request=Boat, result=Passed)
# file: canal/workflows/__init__.py
# file: canal/workflows/worker.py
from datetime import timedelta

from resonate.context import Context

from ..contracts import Boat, Passed, pass_lock, travel
from ..rpc import serve

GROUP = "workers"


async def wash(ctx: Context, name: str) -> str:
    return f"clean {name}"


async def travel_canal(ctx: Context, boat: Boat) -> Passed:
    """A contract sets options of its own, on whatever context it is given: nothing of ours was meant for it."""
    first = await pass_lock(ctx, boat)
    quick = ctx.options(timeout=timedelta(minutes=5))
    await quick.run(wash, boat.name)
    ctx = ctx.options(timeout=timedelta(hours=1))
    await ctx.run(wash, boat.name)
    second = await pass_lock(ctx, boat)
    return Passed(locks=first.locks + second.locks)


SERVED = [serve(travel, travel_canal)]
