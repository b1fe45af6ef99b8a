# file: club/__init__.py
# file: club/rpc.py
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

# file: club/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Join(BaseModel):
    name: str


class Joined(BaseModel):
    number: int


join = Rpc(name="join", group="workers", request=Join, result=Joined)
greet = Rpc(name="greet", group="workers", request=Joined, result=Joined)
# file: club/workflows/__init__.py
# file: club/workflows/worker.py
from resonate.context import Context

from ..contracts import Join, Joined, greet, join
from ..rpc import serve

GROUP = "workers"


async def number_of(ctx: Context, name: str) -> int:
    return len(name)


async def join_club(ctx: Context, request: Join) -> Joined:
    joined = Joined(number=await ctx.run(number_of, name=request.name))
    ctx.detached("greet", joined.model_dump(mode="json"), request.name)  # want: RS108
    return joined


async def greet_member(ctx: Context, request: Joined) -> Joined:
    return request


SERVED = [serve(join, join_club), serve(greet, greet_member)]
