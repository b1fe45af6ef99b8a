"""A function that gives a name is called for its name."""

from resonate.context import Context
from resonate.resonate import Resonate


def name_of(region: str) -> str:
    return f"ship-{region}"


async def ship(ctx: Context, region: str, parcel: str) -> str:
    return await ctx.options(target=region).rpc(name_of(region), parcel)


def register(resonate: Resonate) -> None:
    resonate.register(ship)
