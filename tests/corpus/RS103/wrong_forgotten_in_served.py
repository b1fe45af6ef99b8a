# file: library/__init__.py
# file: library/rpc.py
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
