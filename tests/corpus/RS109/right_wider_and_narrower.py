# file: lost/__init__.py
# file: lost/rpc.py
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

# file: lost/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Thing(BaseModel):
    colour: str


class Umbrella(Thing):
    broken: bool = False


class Place(BaseModel):
    shelf: int


class LockedPlace(Place):
    key: str = "k"


find = Rpc(name="db.find", group="db", request=Umbrella, result=Place)
store = Rpc(name="db.store", group="db", request=Thing, result=Place)
report = Rpc(name="report", group="workers", request=Thing, result=Place)
# file: lost/db/__init__.py
# file: lost/db/worker.py
from typing import Any

from resonate.context import Context

from ..contracts import LockedPlace, Thing, find, store
from ..rpc import serve

GROUP = "db"


async def search(ctx: Context, thing: Thing) -> LockedPlace:
    """Takes more than the contract asks, and gives more."""
    return LockedPlace(shelf=len(thing.colour))


async def put(ctx: Context, thing: Any):
    return LockedPlace(shelf=len(thing.colour))


SERVED = [serve(find, search), serve(store, put)]
# file: lost/workflows/__init__.py
# file: lost/workflows/worker.py
from resonate.context import Context

from ..contracts import Place, Thing, Umbrella, find, report, store
from ..rpc import serve

GROUP = "workers"


def umbrella_of(thing: Thing):
    return Umbrella(colour=thing.colour)


async def report_loss(ctx: Context, thing: Thing) -> Place:
    await store(ctx, Umbrella(colour=thing.colour))
    found = await find(ctx, umbrella_of(thing))
    lost = Umbrella(colour="red") if found.shelf else Umbrella(colour="blue")
    return await find(ctx, lost)


SERVED = [serve(report, report_loss)]
