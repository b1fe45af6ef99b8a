from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from resonate.context import Context


async def reserve(ctx: Context, seat: int) -> None: ...


async def release(ctx: Context, seat: int) -> None: ...


@asynccontextmanager
async def reserved(ctx: Context, seat: int) -> AsyncIterator[int]:
    await ctx.run(reserve, seat)
    try:
        yield seat
    finally:
        await ctx.run(release, seat)  # want: RS317


async def paid(ctx: Context, seat: int) -> str:
    return await ctx.rpc("pay", seat)


async def sell(ctx: Context, seat: int) -> str:
    async with reserved(ctx, seat) as number:
        return await paid(ctx, number)


async def sell_again(ctx: Context, seat: int) -> str:
    try:
        return await paid(ctx, seat)
    except BaseException:
        await release_all(ctx, [seat])  # want: RS317
        raise


async def release_all(ctx: Context, seats: list[int]) -> None:
    for seat in seats:
        await ctx.run(release, seat)
