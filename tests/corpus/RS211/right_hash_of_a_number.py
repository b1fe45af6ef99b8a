"""The hash of a whole number is that number: it is the same in every process."""

from resonate.context import Context
from resonate.resonate import Resonate


async def move(ctx: Context, shard: int, row: int) -> int:
    return row + shard


async def rebalance(ctx: Context, rows: list[int], seed: int) -> int:
    moved = 0
    for row in rows:
        moved += await ctx.run(move, hash(seed) % 4, row)
    return moved + hash(7)


def register(resonate: Resonate) -> None:
    resonate.register(rebalance)
