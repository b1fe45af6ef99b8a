# file: hotel/durable.py
from resonate.context import Context


async def hold_room(ctx: Context, room: str) -> str:
    return f"hold-{room}"


async def charge_card(ctx: Context, card: str, cents: int) -> str:
    return f"charge-{card}-{cents}"


async def book_room(ctx: Context, room: str, card: str, cents: int) -> dict[str, str]:
    hold = await ctx.run(hold_room, room)
    charge = await ctx.run(charge_card, card, cents)
    return {"hold": hold, "charge": charge}


# file: hotel/worker.py
from resonate.resonate import Resonate
from resonate.retry import Exponential

from hotel.durable import book_room


def connect(url: str) -> Resonate:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    resonate = Resonate(url=url, group="bookings", retry_policy=policy)
    resonate.register(book_room)
    return resonate


# file: hotel/http.py
from fastapi import FastAPI
from pydantic import BaseModel

from hotel.durable import hold_room

app = FastAPI()


class Hold(BaseModel):
    room: str


@app.post("/holds")
async def create_hold(body: Hold) -> dict[str, str]:
    hold = await hold_room(None, body.room)  # want: RS401
    return {"hold": hold}
