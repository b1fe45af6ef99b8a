"""A dictionary that was filled from a set, and that is only asked, given whole, sorted, or counted."""

from resonate.context import Context
from resonate.resonate import Resonate


async def notify(ctx: Context, user: str, count: int) -> str:
    return f"{user}: {count}"


async def store(ctx: Context, counts: dict[str, int]) -> int:
    return len(counts)


def grouped(events: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for user in set(events):
        found[user] = events.count(user)
    return found


async def digest(ctx: Context, events: list[str], users: list[str]) -> list[str]:
    counts = {user: events.count(user) for user in set(events)}
    await ctx.run(store, counts)
    await ctx.run(store, grouped(events))
    said = [await ctx.run(notify, user, counts[user]) for user in users if user in counts]
    for user, count in sorted(counts.items()):
        said.append(await ctx.run(notify, user, count))
    return [*said, str(len(counts)), str(counts.get("ada"))]


def register(resonate: Resonate) -> None:
    resonate.register(digest)
