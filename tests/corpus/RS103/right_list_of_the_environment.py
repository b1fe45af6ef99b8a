# file: depot/__init__.py
# file: depot/rpc.py
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

# file: depot/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Crate(BaseModel):
    number: int


class Place(BaseModel):
    shelf: str


put = Rpc(name="depot.put", group="depot", request=Crate, result=Place)
find = Rpc(name="depot.find", group="depot", request=Crate, result=Place)
# file: depot/shelves/__init__.py
# file: depot/shelves/worker.py
import os

from resonate.context import Context

from .. import contracts
from ..rpc import serve

GROUP = "depot"


async def put_away(ctx: Context, crate: contracts.Crate) -> contracts.Place:
    return contracts.Place(shelf=f"A{crate.number}")


async def look_up(ctx: Context, crate: contracts.Crate) -> contracts.Place:
    return contracts.Place(shelf=f"B{crate.number}")


WRITING = [serve(contracts.put, put_away)]
READING = [serve(contracts.find, look_up)]
SERVED = WRITING if os.environ.get("WRITES") else READING
