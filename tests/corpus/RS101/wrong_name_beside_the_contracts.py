# file: orders/__init__.py
# file: orders/rpc.py
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

# file: orders/contracts.py
from pydantic import BaseModel

from .rpc import Rpc

DB = "db"


class Reserve(BaseModel):
    sku: str


class Reserved(BaseModel):
    reservation: str


class PlaceOrder(BaseModel):
    sku: str


reserve = Rpc(name=f"{DB}.reserve", group=DB, request=Reserve, result=Reserved)
place_order = Rpc(name="place-order", group="workers", request=PlaceOrder, result=Reserved)
# file: orders/db/__init__.py
# file: orders/db/worker.py
from resonate.context import Context

from ..contracts import Reserve, Reserved, reserve
from ..rpc import Served, serve

GROUP = "db"


async def reserve_stock(ctx: Context, request: Reserve) -> Reserved:
    return Reserved(reservation=f"r-{request.sku}")


SERVED: list[Served] = [serve(reserve, reserve_stock, retries=6)]
# file: orders/workflows/__init__.py
# file: orders/workflows/worker.py
from datetime import timedelta

from resonate.context import Context

from ..contracts import DB, PlaceOrder, Reserve, Reserved, place_order, reserve
from ..rpc import Served, serve

GROUP = "workers"


async def place(ctx: Context, order: PlaceOrder) -> Reserved:
    held = await reserve(ctx, Reserve(sku=order.sku))
    db = ctx.options(target=DB, timeout=timedelta(minutes=5))
    await db.rpc(f"{DB}.release", {"reservation": held.reservation})  # want: RS101
    return held


SERVED: list[Served] = [serve(place_order, place)]
