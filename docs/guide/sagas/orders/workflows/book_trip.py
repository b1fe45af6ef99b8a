"""The workflow `book-trip`: a room and seats, or neither."""

from resonate.context import Context

from ..contracts.flights.book_seats import BookSeats, book_seats
from ..contracts.flights.cancel_seats import CancelSeats, cancel_seats
from ..contracts.hotels.book_room import BookRoom, book_room
from ..contracts.hotels.cancel_room import CancelRoom, cancel_room
from ..contracts.workflows import book_trip as contract
from ..contracts.workflows.book_trip import BookTrip, BookTripResult
from ..runtime.durable.rpc import serve
from ..runtime.durable.saga import saga


@serve(contract.book_trip)
async def book_trip(ctx: Context, trip: BookTrip) -> BookTripResult:
    """Book a room and seats; where one of them cannot be had, the other is given back."""
    async with saga(ctx) as s:
        room = await s.do(
            book_room(ctx, BookRoom(trip_id=trip.trip_id, nights=trip.nights)),
            undo=lambda: cancel_room(ctx, CancelRoom(trip_id=trip.trip_id)),
        )
        seats = await s.do(
            book_seats(ctx, BookSeats(trip_id=trip.trip_id, seats=trip.seats)),
            undo=lambda: cancel_seats(ctx, CancelSeats(trip_id=trip.trip_id)),
        )
    return BookTripResult(room=room.room, ticket=seats.ticket)
