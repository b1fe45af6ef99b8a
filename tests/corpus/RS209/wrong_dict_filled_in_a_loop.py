from resonate.context import Context
from resonate.resonate import Resonate


async def reserve(ctx: Context, sku: str, quantity: int) -> int:
    return quantity


def grouped(skus: list[str]) -> dict[str, int]:
    wanted = {}
    for sku in set(skus):  # want: RS209
        wanted[sku] = skus.count(sku)
    return wanted


async def order(ctx: Context, skus: list[str]) -> int:
    done = 0
    for sku, quantity in grouped(skus).items():
        done += await ctx.run(reserve, sku, quantity)
    return done


def register(resonate: Resonate) -> None:
    resonate.register(order)
