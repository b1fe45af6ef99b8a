# file: mine/__init__.py
# file: mine/rpc.py
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

# file: mine/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Shift(BaseModel):
    tunnel: int


class Ore(BaseModel):
    tons: float


dig = Rpc(name="dig", group="workers", request=Shift, result=Ore)
lift = Rpc(name="db.lift", group="db", request=Shift, result=Ore)
# file: mine/workflows/__init__.py
# file: mine/workflows/dig.py
from datetime import timedelta

from resonate.context import Context

from ..contracts import Ore, Shift, lift


async def dig(ctx: Context, shift: Shift) -> Ore:
    await rest(ctx)
    tons = await ctx.run(drill, shift.tunnel)
    lifted = await lift(ctx, shift)
    return Ore(tons=tons + lifted.tons)


async def drill(ctx: Context, tunnel: int) -> float:
    return tunnel * 1.5


async def rest(ctx: Context) -> None:
    await ctx.sleep(timedelta(minutes=30))
# file: mine/workflows/worker.py
from .. import contracts
from ..rpc import serve
from . import dig as digging

GROUP = "workers"
SERVED = [serve(contracts.dig, digging.dig)]
# file: mine/db/__init__.py
# file: mine/db/worker.py
from resonate.context import Context

from ..contracts import Ore, Shift, lift
from ..rpc import serve

GROUP = "db"


async def lift_ore(ctx: Context, shift: Shift) -> Ore:
    return Ore(tons=float(shift.tunnel))


SERVED = [serve(contract, function, retries=3) for contract, function in [(lift, lift_ore)]]
