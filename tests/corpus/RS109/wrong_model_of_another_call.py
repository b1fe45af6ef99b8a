# file: rent/__init__.py
# file: rent/rpc.py
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

# file: rent/contracts/__init__.py
# file: rent/contracts/db.py
from pydantic import BaseModel

from ..rpc import Rpc


class FindFlat(BaseModel):
    rooms: int


class Flat(BaseModel):
    number: int
    cents: int


class Rent(BaseModel):
    number: int
    tenant: str


class Rented(BaseModel):
    since: str


find_flat = Rpc(name="db.find_flat", group="db", request=FindFlat, result=Flat)
rent = Rpc(name="db.rent", group="db", request=Rent, result=Rented)
# file: rent/contracts/workflows.py
from pydantic import BaseModel

from ..rpc import Rpc
from .db import Rented


class MoveIn(BaseModel):
    tenant: str
    rooms: int


move_in = Rpc(name="move-in", group="workers", request=MoveIn, result=Rented)
# file: rent/db/__init__.py
# file: rent/db/worker.py
from resonate.context import Context

from ..contracts import db
from ..rpc import serve

GROUP = "db"


async def find(ctx: Context, request: db.FindFlat) -> db.Flat:
    return db.Flat(number=request.rooms, cents=50_000)


async def let(ctx: Context, request: db.Rent) -> db.Rented:
    return db.Rented(since="2024-05-01")


SERVED = [serve(db.find_flat, find), serve(db.rent, let)]
# file: rent/workflows/__init__.py
# file: rent/workflows/worker.py
from resonate.context import Context

from ..contracts import db
from ..contracts.workflows import MoveIn, move_in
from ..rpc import serve

GROUP = "workers"


async def move(ctx: Context, request: MoveIn) -> db.Rented:
    flat = await db.find_flat(ctx, db.FindFlat(rooms=request.rooms))
    signed = db.Rent(number=flat.number, tenant=request.tenant)
    await db.rent(ctx, db.FindFlat(rooms=flat.number))  # want: RS109
    return await db.rent(ctx, signed)


SERVED = [serve(move_in, move)]
