# file: travel/__init__.py
# file: travel/rpc.py
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

# file: travel/contracts/__init__.py
# file: travel/contracts/airlines.py
from datetime import timedelta

from pydantic import BaseModel

from ..rpc import Rpc


class Seat(BaseModel):
    flight: str


class Booked(BaseModel):
    locator: str


book_seat = Rpc(name="airlines.book", group="airlines", request=Seat, result=Booked, timeout=timedelta(hours=1))
drop_seat = Rpc(name="airlines.drop", group="airlines", request=Seat, result=Booked, timeout=timedelta(hours=1))
# file: travel/contracts/workflows.py
from ..rpc import Rpc
from .airlines import Booked, Seat

book_trip = Rpc(name="book-trip", group="workers", request=Seat, result=Booked)
# file: travel/fakes/__init__.py
# file: travel/fakes/worker.py
"""Stand-ins for what other teams serve. Each contract says which group it belongs to; not all have one."""

from resonate.context import Context

from ..contracts.airlines import Booked, Seat, book_seat
from ..rpc import Served, serve


async def pretend(ctx: Context, seat: Seat) -> Booked:
    return Booked(locator=f"FAKE-{seat.flight}")


SERVED: list[Served] = [serve(book_seat, pretend)]
# file: travel/workflows/__init__.py
# file: travel/workflows/worker.py
from resonate.context import Context

from ..contracts import airlines
from ..contracts.workflows import book_trip
from ..rpc import Served, serve

GROUP = "workers"


async def trip(ctx: Context, seat: airlines.Seat) -> airlines.Booked:
    booked = await airlines.book_seat(ctx, seat)
    if not booked.locator:
        return await airlines.drop_seat(ctx, seat)
    return booked


SERVED: list[Served] = [serve(book_trip, trip)]
