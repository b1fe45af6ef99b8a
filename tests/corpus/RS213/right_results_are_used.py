from dataclasses import dataclass, replace

from resonate.context import Context


@dataclass
class Order:
    number: int
    state: str = "new"


async def count(ctx: Context, shelf: str) -> int:
    return len(shelf)


async def pay(ctx: Context, order: Order) -> Order:
    order.state = "paid"
    return order


async def closed(ctx: Context, order: Order) -> Order:
    return replace(order, state="closed")


async def add(ctx: Context, found: list[str], name: str) -> list[str]:
    found.append(name)
    return found


async def work(ctx: Context, shelves: list[str], order: Order) -> int:
    total = 0
    for shelf in shelves:
        total += await ctx.run(count, shelf)
    order = await ctx.run(pay, order)
    order = await ctx.run(closed, order)
    found: list[str] = []
    for shelf in shelves:
        found = await ctx.run(add, found, shelf)
    await ctx.rpc("keep", order.number, order.state, found)
    return total
