"""One order in ten is looked at by a person; a helper decides which."""

from dataclasses import dataclass

from resonate.context import Context
from resonate.resonate import Resonate


@dataclass
class Order:
    number: str
    cents: int


def is_sampled(order: Order) -> bool:
    return abs(hash(order.number)) % 10 == 0  # want: RS211


async def review(ctx: Context, number: str) -> bool:
    return len(number) > 3


async def charge(ctx: Context, number: str, cents: int) -> str:
    return f"{number}: {cents}"


async def place_order(ctx: Context, order: Order) -> str:
    if is_sampled(order) and not await ctx.run(review, order.number):
        return "refused"
    return await ctx.run(charge, order.number, order.cents)


def register(resonate: Resonate) -> None:
    resonate.register(place_order)
