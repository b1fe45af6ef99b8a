from datetime import timedelta

from resonate.context import Context
from resonate.error import Suspended


async def refund(ctx: Context, order: int) -> None: ...


async def ship(ctx: Context, order: int) -> None:
    try:
        await ctx.rpc("carrier.collect", order)
    except Exception:
        await ctx.run(refund, order)
        raise
    try:
        await ctx.sleep(timedelta(hours=1))
    except Suspended:
        raise
    except BaseException:
        await ctx.run(refund, order)
        raise
    try:
        await ctx.rpc("carrier.deliver", order)
    except BaseException as error:
        if isinstance(error, Suspended):
            raise
        await ctx.run(refund, order)
        raise
    else:
        await ctx.rpc("tell", order)


def is_final(error: BaseException) -> bool:
    return isinstance(error, ValueError)


async def ship_once(ctx: Context, order: int) -> None:
    try:
        await ctx.rpc("carrier.collect", order)
    except BaseException as error:
        if is_final(error):
            await ctx.run(refund, order)
        raise
