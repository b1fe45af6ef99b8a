# file: hotel/rpc.py (shared)
# file: hotel/contracts.py
from pydantic import BaseModel

from hotel.rpc import Rpc


class Quote(BaseModel):
    room: str


class Price(BaseModel):
    cents: int


quote = Rpc(name="pricing.quote", group="pricing", request=Quote, result=Price)

# file: hotel/offer.py
from resonate.context import Context

from hotel.contracts import Quote, quote


async def offer(ctx: Context, rooms: list[str]) -> list[int]:
    """The generator is consumed by the list, so that every call is made before the first is awaited."""
    calls = list(quote(ctx, Quote(room=room)) for room in rooms)
    breakfast = quote(ctx, Quote(room="breakfast"))
    prices = [(await call)["cents"] for call in calls]
    return [*prices, (await breakfast)["cents"]]
