# file: wine/__init__.py
# file: wine/rpc.py
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

# file: wine/contracts.py
from datetime import timedelta

from pydantic import BaseModel

from .rpc import Rpc


class Taste(BaseModel):
    barrel: int


class Verdict(BaseModel):
    points: int


class Tasting(BaseModel):
    barrels: list[int]


class Verdicts(BaseModel):
    best: int


taste = Rpc(name="taste", group="cellar", request=Taste, result=Verdict, timeout=timedelta(hours=1))
tasting = Rpc(name="tasting", group="cellar", request=Tasting, result=Verdicts)
# file: wine/cellar/__init__.py
# file: wine/cellar/models.py
from pydantic import BaseModel


class Verdict(BaseModel):
    """Of the same name as the contract's, and another class."""

    score: float
# file: wine/cellar/worker.py
from resonate.context import Context

from ..contracts import Taste, Tasting, Verdicts, taste, tasting
from ..rpc import serve
from .models import Verdict

GROUP = "cellar"


async def sip(ctx: Context, request: Taste) -> Verdict:
    return Verdict(score=float(request.barrel))


async def judge(ctx: Context, request: Tasting) -> Verdicts:
    calls = [taste(ctx, Taste(barrel=barrel)) for barrel in request.barrels]
    points = [(await call).points for call in calls]
    return Verdicts(best=max(points))


SERVED = [serve(tasting, judge), serve(taste, sip)]  # want: RS109
