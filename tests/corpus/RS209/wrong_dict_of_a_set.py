"""A dictionary keeps the order in which it was filled, and it was filled from a set."""

from resonate.context import Context
from resonate.resonate import Resonate


async def notify(ctx: Context, user: str, count: int) -> str:
    return f"{user}: {count}"


async def digest(ctx: Context, events: list[str]) -> list[str]:
    counts = {user: events.count(user) for user in set(events)}  # want: RS209
    return [await ctx.run(notify, user, count) for user, count in counts.items()]


def register(resonate: Resonate) -> None:
    resonate.register(digest)
