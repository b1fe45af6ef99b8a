"""A step may ask: what it says is recorded."""

from resonate.context import Context
from resonate.resonate import Resonate


async def pick(ctx: Context, subject: str) -> int:
    return hash(subject) % 8


async def send(ctx: Context, relay: int, to: str) -> str:
    return f"{to} by {relay}"


async def newsletter(ctx: Context, recipients: list[str], subject: str) -> list[str]:
    shard = await ctx.run(pick, subject)
    return [await ctx.run(send, shard, to) for to in recipients]


def register(resonate: Resonate) -> None:
    resonate.register(newsletter)
