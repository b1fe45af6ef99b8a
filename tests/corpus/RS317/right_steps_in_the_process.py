import asyncio

from resonate.context import Context


async def read(ctx: Context, path: str) -> str:
    await asyncio.sleep(0.1)
    return path


async def note(ctx: Context, path: str) -> None: ...


async def copy(ctx: Context, path: str) -> str:
    """These steps run here, to their end: nothing suspends the workflow within the blocks."""
    try:
        return await ctx.run(read, path)
    finally:
        await ctx.run(note, path)


async def copy_all(ctx: Context, paths: list[str]) -> None:
    for path in paths:
        try:
            await ctx.run(read, path)
        except BaseException:
            await ctx.run(note, path)
            raise
    try:
        waiting = ctx.rpc("archive", paths)
    finally:
        await ctx.run(note, "archive")
    await waiting
