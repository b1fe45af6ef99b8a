"""What is hashed may be a number, for all that can be read."""

from resonate.context import Context
from resonate.resonate import Resonate


async def shift(ctx: Context, lane: int) -> int:
    return lane


async def sort_parcels(ctx: Context, parcels: list) -> int:
    done = 0
    for parcel in parcels:
        done += await ctx.run(shift, hash(parcel["weight"]) % 3)
    return done


def register(resonate: Resonate) -> None:
    resonate.register(sort_parcels)
