# file: stock/rpc.py
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
# file: stock/__init__.py
# file: stock/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Restock(BaseModel):
    skus: list[str]


class Restocked(BaseModel):
    ordered: int


class Order(BaseModel):
    sku: str


class Ordered(BaseModel):
    sku: str


restock = Rpc(name="restock", group="workers", request=Restock, result=Restocked)
order = Rpc(name="purchasing.order", group="purchasing", request=Order, result=Ordered)
# file: stock/restocking.py
import asyncio

from resonate.context import Context

from .contracts import Order, Restock, Restocked, order


async def restock_all(ctx: Context, request: Restock) -> Restocked:
    known: set[str] = set()
    for sku in request.skus:
        known.add(sku.upper())
    answers = await asyncio.gather(*[order(ctx, Order(sku=sku)) for sku in known])  # want: RS209
    return Restocked(ordered=len(answers))
# file: stock/worker.py
from . import contracts
from .restocking import restock_all
from .rpc import Served, serve

GROUP = "workers"

SERVED: list[Served] = [serve(contracts.restock, restock_all)]
