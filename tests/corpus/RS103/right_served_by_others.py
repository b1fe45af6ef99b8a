# file: travel/__init__.py
# file: travel/rpc.py (shared)
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
