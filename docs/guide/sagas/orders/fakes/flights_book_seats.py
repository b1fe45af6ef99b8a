"""A stand-in for `flights.book-seats`, which another team serves: it has nine seats."""

from resonate.context import Context

from ..contracts.flights import book_seats as contract
from ..contracts.flights.book_seats import BookSeats, BookSeatsResult
from ..runtime.durable.rpc import serve
from ..runtime.errors import Failure


@serve(contract.book_seats)
async def book_seats(ctx: Context, request: BookSeats) -> BookSeatsResult:
    """Answer as the other side would."""
    if request.seats > 9:
        raise Failure(f"there are no {request.seats} seats", code="no-seats", status=409)
    return BookSeatsResult(ticket="example")
