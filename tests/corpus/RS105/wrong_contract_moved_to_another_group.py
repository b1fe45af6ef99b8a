# file: press/__init__.py
# file: press/rpc.py
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

# file: press/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Edition(BaseModel):
    date: str


class Pages(BaseModel):
    count: int


class Totals(BaseModel):
    sold: int


paginate = Rpc(name="paginate", group="layout", request=Edition, result=Pages)
proofread = Rpc(name="proofread", group="layout", request=Edition, result=Pages)
# Once of group layout; sales have a worker of their own now.
totals = Rpc(name="totals", group="sales", request=Edition, result=Totals)
forecast = Rpc(name="forecast", group="sales", request=Edition, result=Totals)
# file: press/functions.py
from resonate.context import Context

from .contracts import Edition, Pages, Totals


async def paginate(ctx: Context, edition: Edition) -> Pages:
    return Pages(count=len(edition.date))


async def add_up(ctx: Context, edition: Edition) -> Totals:
    return Totals(sold=len(edition.date) * 1000)
# file: press/layout/__init__.py
# file: press/layout/worker.py
from .. import contracts, functions
from ..rpc import serve

GROUP = "layout"
CHECKS = [serve(contracts.proofread, functions.paginate)]
OLD = [serve(contracts.totals, functions.add_up)]  # want: RS105
SERVED = [serve(contracts.paginate, functions.paginate), *CHECKS, *OLD]
# file: press/sales/__init__.py
# file: press/sales/worker.py
from .. import contracts, functions
from ..rpc import serve

GROUP = "sales"
SERVED = [serve(contracts.forecast, functions.add_up)]
