import time

from resonate.context import Context


async def note(ctx: Context, took: float) -> None:
    print(took)


async def work(ctx: Context) -> float:
    started = time.monotonic()  # noqa: RS201 it is told to nobody but the developer
    await ctx.run(note, started)
    return started
