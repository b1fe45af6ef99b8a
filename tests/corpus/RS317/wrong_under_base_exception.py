from datetime import timedelta

from resonate.context import Context


async def refund(ctx: Context, order: int) -> None: ...


async def pack(ctx: Context, order: int) -> None:
    await ctx.sleep(timedelta(minutes=1))


async def ship(ctx: Context, order: int) -> None:
    try:
        await ctx.rpc("carrier.collect", order)
    except BaseException:
        await ctx.run(refund, order)  # want: RS317
        raise


async def prepare(ctx: Context, order: int) -> None:
    try:
        await ctx.run(pack, order)
    except (ValueError, BaseException) as error:
        print(error)
        await ctx.rpc("payments.refund", order)  # want: RS317


async def deliver(ctx: Context, order: int) -> None:
    try:
        waiting = ctx.rpc("carrier.deliver", order)
        await waiting
    except:  # noqa: E722
        ctx.detached("payments.refund", order)  # want: RS317
        raise
