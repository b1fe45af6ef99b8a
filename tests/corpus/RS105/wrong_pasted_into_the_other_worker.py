# file: gym/__init__.py
# file: gym/rpc.py
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

# file: gym/contracts/__init__.py
# file: gym/contracts/db.py
from pydantic import BaseModel

from ..rpc import Rpc


class Member(BaseModel):
    number: int


class Visits(BaseModel):
    count: int


count_visits = Rpc(name="db.count_visits", group="db", request=Member, result=Visits)
last_visit = Rpc(name="db.last_visit", group="db", request=Member, result=Visits)
# file: gym/contracts/workflows.py
from ..rpc import Rpc
from .db import Member, Visits

remind = Rpc(name="remind", group="workers", request=Member, result=Visits)
# file: gym/db/__init__.py
# file: gym/db/worker.py
from resonate.context import Context

from ..contracts import db as contracts
from ..rpc import Served, serve

GROUP = "db"


async def count(ctx: Context, member: contracts.Member) -> contracts.Visits:
    return contracts.Visits(count=member.number)


SERVED: list[Served] = [serve(contracts.count_visits, count, retries=6)]
# file: gym/workflows/__init__.py
# file: gym/workflows/worker.py
from resonate.context import Context

from ..contracts import db, workflows
from ..rpc import Served, serve

GROUP = "workers"


async def remind_member(ctx: Context, member: db.Member) -> db.Visits:
    visits = await db.count_visits(ctx, member)
    return await db.last_visit(ctx, member) if visits.count else visits


async def last(ctx: Context, member: db.Member) -> db.Visits:
    return db.Visits(count=member.number % 7)


SERVED: list[Served] = [
    serve(workflows.remind, remind_member),
    serve(db.last_visit, last),  # want: RS105
]
