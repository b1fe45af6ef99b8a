"""Nothing here starts it: whoever does may give it a year."""

from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate


async def send(ctx: Context, to: str) -> str:
    return f"sent to {to}"


async def remind(ctx: Context, to: str) -> str:
    await ctx.run(send, to)
    await ctx.sleep(timedelta(days=30))
    return await ctx.run(send, to)


def register(resonate: Resonate) -> None:
    resonate.register(remind)
