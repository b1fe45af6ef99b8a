"""The saga of the chaos runs: money that is booked in three tables, or in none of them.

A job books an amount in each of three tables, one step for each; it is canceled by its client, refused at its end, or
neither. Then the tables must hold the amount of each job that succeeded, once, and of no other: see `judge_saga`.
"""

from __future__ import annotations

import random
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

PATH = "/moves"
TABLES = ("reserved", "charged", "shipped")
OPERATION = "/book-"
"""What stands in the id of an operation that books."""

REFUSED = {"code": "refused", "message": "it was refused at its end"}
CANCELED = {"code": "canceled", "message": "the job was canceled"}
MOMENTS = (None, None, 0.0, 0.2, 0.5)
"""Seconds after which a client cancels its job; None: it does not."""

type Booked = Mapping[str, Sequence[tuple[str, int]]]
"""By table, the rows: a job's key and an amount."""

_ADDS = (
    "add db-function book --takes ledger:str --takes amount:int --returns booked:bool",
    "add db-function unbook --takes ledger:str --returns was_booked:bool",
    "add workflow move-money --takes amount:int --takes ending:str --returns moved:int",
    f"add route POST {PATH} --workflow move-money --poll {PATH}/{{id}}",
)
_MODELS = '''

class Booked:
    """A row of each of the three tables."""

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[str] = mapped_column(String(190))
    amount: Mapped[int]


class Reserved(Booked, Base):
    """Money that is set aside."""

    __tablename__ = "reserved"


class Charged(Booked, Base):
    """Money that was taken."""

    __tablename__ = "charged"


class Shipped(Booked, Base):
    """Money's worth that went out."""

    __tablename__ = "shipped"


LEDGERS = {table.__tablename__: table for table in (Reserved, Charged, Shipped)}
'''
_MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0003", "0002", None, None


def upgrade() -> None:
    for table in ("reserved", "charged", "shipped"):
        op.create_table(
            table,
            sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
            sa.Column("job_id", sa.String(190), nullable=False),
            sa.Column("amount", sa.BigInteger(), nullable=False),
        )


def downgrade() -> None:
    for table in ("reserved", "charged", "shipped"):
        op.drop_table(table)
"""
_BOOK = """
from resonate.context import Context
from sqlalchemy.ext.asyncio import AsyncSession

from ..contracts.db import book as contract
from ..contracts.db.book import Book, BookResult
from ..runtime.database import Database
from ..runtime.durable.ids import job_id, operation_id
from ..runtime.durable.once import once
from ..runtime.durable.rpc import serve
from .models import LEDGERS


@serve(contract.book, retries=6)
async def book(ctx: Context, request: Book) -> BookResult:
    async def effect(session: AsyncSession) -> BookResult:
        session.add(LEDGERS[request.ledger](job_id=job_id(ctx), amount=request.amount))
        return BookResult(booked=True)

    operation = operation_id(f"book-{request.ledger}", job_id(ctx))
    return await once(ctx.get_dependency(Database), operation, request, BookResult, effect)
"""
_UNBOOK = """
from resonate.context import Context
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from ..contracts.db import unbook as contract
from ..contracts.db.book import BookResult
from ..contracts.db.unbook import Unbook, UnbookResult
from ..runtime.database import Database
from ..runtime.durable.ids import job_id, operation_id
from ..runtime.durable.once import undo_once
from ..runtime.durable.rpc import serve
from .models import LEDGERS


@serve(contract.unbook, retries=6)
async def unbook(ctx: Context, request: Unbook) -> UnbookResult:
    async def effect(session: AsyncSession, _: BookResult) -> None:
        table = LEDGERS[request.ledger]
        await session.execute(delete(table).where(table.job_id == job_id(ctx)))

    operation = operation_id(f"book-{request.ledger}", job_id(ctx))
    return UnbookResult(was_booked=await undo_once(ctx.get_dependency(Database), operation, BookResult, effect))
"""
_WORKFLOW = """
from datetime import timedelta
from functools import partial

from resonate.context import Context

from ..contracts.db.book import Book, book
from ..contracts.db.unbook import Unbook, unbook
from ..contracts.workflows import move_money as contract
from ..contracts.workflows.move_money import MoveMoney, MoveMoneyResult
from ..runtime.durable.rpc import serve
from ..runtime.durable.saga import saga
from ..runtime.errors import Failure


@serve(contract.move_money)
async def move_money(ctx: Context, request: MoveMoney) -> MoveMoneyResult:
    async with saga(ctx) as s:
        for ledger in ("reserved", "charged", "shipped"):
            step = book(ctx, Book(ledger=ledger, amount=request.amount))
            await s.do(step, undo=partial(unbook, ctx, Unbook(ledger=ledger)))
            await ctx.sleep(timedelta(milliseconds=100))
        if request.ending == "refused":
            raise Failure("it was refused at its end", code="refused")
    return MoveMoneyResult(moved=request.amount)
"""


def add_saga(program: Path | str, service: Path) -> None:
    """Give the service of the chaos runs its saga."""
    for line in _ADDS:
        subprocess.run([program, *line.split()], cwd=service, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    package = next(service.glob("*/__main__.py")).parent
    for name, text in (("db/book.py", _BOOK), ("db/unbook.py", _UNBOOK), ("workflows/move_money.py", _WORKFLOW)):
        (package / name).write_text(text, "utf-8")
    (package / "db" / "migrations" / "versions" / "0003_ledgers.py").write_text(_MIGRATION, "utf-8")
    models = package / "db" / "models.py"
    models.write_text(models.read_text("utf-8") + _MODELS, "utf-8")


def saga_body(pick: random.Random) -> dict[str, object]:
    """The request of one job of it."""
    return {"amount": pick.randrange(1, 1000), "ending": pick.choice(("well", "well", "refused"))}


def judge_saga(ended: Mapping[str, tuple[int, str]], booked: Booked) -> list[str]:
    """What is wrong with the tables, given the amount and the final status of each job by its key."""
    wrong = []
    due = {key: amount for key, (amount, status) in ended.items() if status == "succeeded"}
    for table in TABLES:
        rows = booked.get(table, ())
        found = Counter(key for key, _ in rows)
        wrong += [f"{key}: booked {count} times in {table}" for key, count in found.items() if count > 1]
        wrong += [
            f"{key}: booked in {table}, and it is {ended[key][1]}" for key in found if key in ended and key not in due
        ]
        wrong += [f"{key}: booked in {table}, and nobody asked for it" for key in found if key not in ended]
        wrong += [f"{key}: succeeded, and is not booked in {table}" for key in due if key not in found]
        wrong += [
            f"{key}: {amount} in {table}, not {due[key]}" for key, amount in rows if due.get(key, amount) != amount
        ]
    if len(sums := {sum(amount for _, amount in booked.get(table, ())) for table in TABLES}) > 1:
        wrong.append(f"the tables do not add up: {sorted(sums)}")
    return wrong
