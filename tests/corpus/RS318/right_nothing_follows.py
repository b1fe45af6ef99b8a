from contextlib import suppress

from resonate.context import Context


async def look_up(ctx: Context, name: str) -> str | None:
    """It swallows the suspension and ends: the engine sees what it waits for, and suspends it all the same."""
    try:
        return await ctx.rpc("look_up", name)
    except BaseException:
        return None


async def keep(ctx: Context, name: str) -> None:
    await ctx.rpc("begin", name)
    with suppress(BaseException):
        await ctx.rpc("keep", name)


async def last(ctx: Context, names: list[str]) -> str | None:
    for name in names:
        try:
            await ctx.rpc("touch", name)
        finally:
            for letter in name:
                if letter == "x":
                    break
    return await look_up(ctx, names[-1])
