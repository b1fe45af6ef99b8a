# file: bank/rpc.py
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from resonate.context import Context, ResonateFuture


class DurableCall[R: BaseModel]:
    def __init__(self, future: ResonateFuture[Any], result: type[R]) -> None:
        self._future, self._result = future, result

    def __await__(self) -> Generator[Any, None, R]:
        return self._result.model_validate((yield from self._future.__await__()))


@dataclass(frozen=True)
class Rpc[Q: BaseModel, R: BaseModel]:
    name: str
    group: str
    request: type[Q]
    result: type[R]
    timeout: timedelta = timedelta(minutes=5)

    def __call__(self, ctx: Context, request: Q) -> DurableCall[R]:
        options = ctx.options(target=self.group, timeout=self.timeout)
        return DurableCall(options.rpc(self.name, request.model_dump(mode="json")), self.result)


@dataclass(frozen=True)
class Served:
    contract: Rpc[Any, Any]
    function: Callable[..., Awaitable[Any]]


def serve[Q: BaseModel, R: BaseModel](
    contract: Rpc[Q, R], function: Callable[[Context, Q], Awaitable[R]]
) -> Served:
    return Served(contract, function)
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
