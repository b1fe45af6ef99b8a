# file: cinema/rpc.py (shared)
# file: cinema/contracts.py
from datetime import timedelta

from pydantic import BaseModel

from cinema.rpc import Rpc


class Hold(BaseModel):
    seat: str


class Held(BaseModel):
    until: str


hold_seat = Rpc(name="seats.hold", group="seats", request=Hold, result=Held, timeout=timedelta(seconds=30))

# file: cinema/sell.py
from resonate.context import Context

from cinema.contracts import Hold, hold_seat


async def sell(ctx: Context, seats: list[str]) -> str:
    for seat in seats:
        try:
            held = await hold_seat(ctx, Hold(seat=seat))
        except TimeoutError:  # want: RS309
            continue
        return held.until
    return "sold out"
