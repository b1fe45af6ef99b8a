# file: farm/__init__.py
# file: farm/rpc.py
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

# file: farm/contracts/__init__.py
# file: farm/contracts/db.py
from pydantic import BaseModel

from ..rpc import Rpc


class Cow(BaseModel):
    tag: str


class Milk(BaseModel):
    litres: float


weigh = Rpc(name="db.weigh", group="db", request=Cow, result=Milk)
milk = Rpc("db.milk", "db", Cow, Milk)
feed = Rpc("db.feed", group="db", request=Cow, result=Milk, version=2)
# file: farm/contracts/everything.py
from .db import feed, milk, weigh

__all__ = ["feed", "milk", "weigh"]
# file: farm/db/__init__.py
# file: farm/db/barn.py
from resonate.context import Context

from ..contracts.db import Cow, Milk


async def measure(ctx: Context, cow: Cow) -> Milk:
    return Milk(litres=len(cow.tag))
# file: farm/db/worker.py
from ..contracts import everything
from ..contracts.db import milk as milking, weigh
from ..rpc import Served, serve as pair
from .barn import measure

GROUP = "db"

MORE = [pair(everything.feed, measure)]
SERVED: list[Served] = [pair(contract=weigh, function=measure, retries=2)] + MORE
SERVED.append(pair(milking, measure))
