"""Drip irrigation: a cycle is a nested function that mixes its own context with the outer one."""

from datetime import timedelta

from resonate.context import Context


async def open_valve(ctx: Context, bed: int) -> None:
    print("open", bed)


async def close_valve(ctx: Context, bed: int) -> None:
    print("close", bed)


async def irrigate(ctx: Context, beds: list[int], minutes: int) -> int:
    async def cycle(inner: Context, bed: int) -> None:
        await inner.run(open_valve, bed)
        await ctx.sleep(timedelta(minutes=minutes))  # want: RS302
        closing = ctx.run(close_valve, bed)  # want: RS302
        await closing

    for bed in beds:
        await ctx.run(cycle, bed)
    return len(beds)
