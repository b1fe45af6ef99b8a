# file: library/__init__.py
# file: library/rpc.py (shared)
# file: library/contracts/__init__.py
# file: library/contracts/db.py
from pydantic import BaseModel

from ..rpc import Rpc


class FindBook(BaseModel):
    isbn: str


class Book(BaseModel):
    isbn: str
    title: str


class Lend(BaseModel):
    isbn: str
    reader: str


class Loan(BaseModel):
    number: int


find_book = Rpc(
    name="db.find_book",
    group="db",
    request=FindBook,
    result=Book,
)

lend = Rpc(  # want: RS103
    name="db.lend",
    group="db",
    request=Lend,
    result=Loan,
)
# file: library/db/__init__.py
# file: library/db/worker.py
from resonate.context import Context

from ..contracts import db as contracts
from ..rpc import Served, serve

GROUP = "db"


async def load_book(ctx: Context, request: contracts.FindBook) -> contracts.Book:
    return contracts.Book(isbn=request.isbn, title="unknown")


SERVED: list[Served] = [
    serve(contracts.find_book, load_book, retries=6),
]
