# file: bank/rpc.py (shared)
# file: bank/__init__.py
# file: bank/contracts.py
from uuid import UUID

from pydantic import BaseModel

from .rpc import Rpc


class Transfer(BaseModel):
    source: str
    target: str
    cents: int


class Booked(BaseModel):
    entry: UUID


class Book(BaseModel):
    entry: UUID
    account: str
    cents: int


transfer = Rpc(name="transfer", group="workers", request=Transfer, result=Booked)
book = Rpc(name="db.book", group="db", request=Book, result=Booked)
# file: bank/transfers.py
import uuid

from resonate.context import Context

from .contracts import Book, Booked, Transfer, book


async def move_money(ctx: Context, request: Transfer) -> Booked:
    entry = uuid.uuid4()  # want: RS203
    await book(ctx, Book(entry=entry, account=request.source, cents=-request.cents))
    await book(ctx, Book(entry=entry, account=request.target, cents=request.cents))
    return Booked(entry=entry)
# file: bank/worker.py
from . import contracts
from .rpc import Served, serve
from .transfers import move_money

GROUP = "workers"

SERVED: list[Served] = [serve(contracts.transfer, move_money)]
