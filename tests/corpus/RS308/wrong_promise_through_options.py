"""promise() has a timeout of its own, and takes none from the options."""

from datetime import timedelta

from resonate.context import Context

PATIENCE = timedelta(hours=2)


async def show(ctx: Context, screen: int, promise: str) -> None:
    print(screen, promise)


async def sign_off(ctx: Context, screens: list[int]) -> int:
    signed = 0
    for screen in screens:
        seen = ctx.options(timeout=PATIENCE).promise()  # want: RS308
        await ctx.run(show, screen, await seen.id())
        signed += 1 if await seen else 0
    return signed
