# file: gym/__init__.py
# file: gym/rpc.py (shared)
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
