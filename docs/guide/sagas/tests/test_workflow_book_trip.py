"""The workflow `book-trip`: all of it, or nothing, wherever it crashes."""

import pytest

from orders.contracts.workflows.book_trip import BookTrip, book_trip
from orders.runtime.engine.call_names import name_of_call
from orders.runtime.http.work import Status
from orders.runtime.testing.crashes import Crashes
from orders.runtime.testing.running import RunningService


async def functions(service: RunningService, root: str) -> list[str]:
    """What a run called, in order."""
    made: list[str] = []
    while (call := await service.client.find(f"{root}:{len(made) + 1}")) is not None:
        made.append(name_of_call(call))
    return made


async def test_a_trip_is_booked(service: RunningService) -> None:
    outcome = await service.outcome(book_trip, "book-trip/t-1", BookTrip(trip_id="t-1", nights=2, seats=2))
    assert outcome.status is Status.SUCCEEDED
    assert await functions(service, "book-trip/t-1") == ["hotels.book-room", "flights.book-seats"]


async def test_without_seats_the_room_is_given_back(service: RunningService) -> None:
    outcome = await service.outcome(book_trip, "book-trip/t-1", BookTrip(trip_id="t-1", nights=2, seats=10))
    assert outcome.error is not None and outcome.error.code == "no-seats"
    assert (await functions(service, "book-trip/t-1"))[2:] == ["hotels.cancel-room"]


@pytest.mark.parametrize("seats", [2, 10])
def test_it_survives_crashes(crashes: Crashes, seats: int) -> None:
    crashes(book_trip, BookTrip(trip_id="t-1", nights=2, seats=seats))
