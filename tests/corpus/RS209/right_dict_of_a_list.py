"""Filled in the order of a list, or of a sorted set."""

from resonate.context import Context
from resonate.resonate import Resonate


async def reserve(ctx: Context, sku: str, quantity: int) -> int:
    return quantity


async def order(ctx: Context, skus: list[str]) -> int:
    wanted = {sku: skus.count(sku) for sku in sorted(set(skus))}
    also = dict.fromkeys(skus)
    done = 0
    for sku, quantity in wanted.items():
        done += await ctx.run(reserve, sku, quantity)
    for sku in also:
        done += await ctx.run(reserve, sku, 1)
    return done


def register(resonate: Resonate) -> None:
    resonate.register(order)
