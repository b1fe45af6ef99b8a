# file: parcel/__init__.py
# file: parcel/rpc.py
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

# file: parcel/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Parcel(BaseModel):
    number: str


class Route(BaseModel):
    hubs: list[str]


route_v1 = Rpc(name="route", group="workers", request=Parcel, result=Route)
route_v2 = Rpc(name="route", group="workers", request=Parcel, result=Route, version=2)
trace = Rpc(name="trace", group="workers", request=Parcel, result=Route)
trace_db = Rpc(name="trace", group="db", request=Parcel, result=Route)
# file: parcel/workflows/__init__.py
# file: parcel/workflows/worker.py
from resonate.context import Context

from ..contracts import Parcel, Route, route_v1, route_v2, trace, trace_db
from ..rpc import serve

GROUP = "workers"


async def route(ctx: Context, parcel: Parcel) -> Route:
    return Route(hubs=[parcel.number[:2]])


async def follow(ctx: Context, parcel: Parcel) -> Route:
    return await trace_db(ctx, parcel)


SERVED = [serve(route_v1, route), serve(route_v2, route), serve(trace, follow)]
# file: parcel/db/__init__.py
# file: parcel/db/worker.py
from resonate.context import Context

from ..contracts import Parcel, Route, trace_db
from ..rpc import serve

GROUP = "db"


async def follow(ctx: Context, parcel: Parcel) -> Route:
    return Route(hubs=[parcel.number])


SERVED = [serve(trace_db, follow)]
