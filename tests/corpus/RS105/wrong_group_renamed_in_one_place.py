# file: glass/__init__.py
# file: glass/rpc.py
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

# file: glass/groups.py
FURNACE = "furnace"
KILN = "kiln"
# file: glass/contracts.py
from datetime import timedelta

from pydantic import BaseModel

from .groups import FURNACE
from .rpc import Rpc


class Melt(BaseModel):
    kilos: float


class Glass(BaseModel):
    colour: str


melt = Rpc(name="melt", group=FURNACE, request=Melt, result=Glass, timeout=timedelta(hours=12))
# file: glass/kiln/__init__.py
# file: glass/kiln/worker.py
from datetime import timedelta

from resonate.context import Context

from ..contracts import Glass, Melt, melt
from ..groups import KILN as GROUP
from ..rpc import serve as served_by


async def melt_sand(ctx: Context, request: Melt) -> Glass:
    await ctx.sleep(timedelta(hours=8))
    return Glass(colour="green" if request.kilos > 10 else "clear")


SERVED = [served_by(melt, melt_sand)]  # want: RS105
__all__ = ["GROUP", "SERVED"]
