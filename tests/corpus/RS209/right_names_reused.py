# file: polls/counting.py
from resonate.context import Context


async def ballots(ctx: Context, district: str) -> list[str]:
    return [district, "yes", "no"]


async def tally(ctx: Context, districts: list[str]) -> dict[str, int]:
    """`names` is a set first and a list afterwards; only the list is gone through."""
    names = {district.strip() for district in districts}
    if len(names) < len(districts):
        raise ValueError("a district is named twice")
    names = [district.strip() for district in districts]
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = len(await ctx.run(ballots, name))
    return counts


async def audit(ctx: Context, districts: list[str]) -> list[str]:
    """Without a durable call in the loop, and sorted before it goes on."""
    odd = []
    for name in set(districts):
        if len(name) % 2:
            odd.append(name)
    first = await ctx.run(ballots, min(odd, default=""))
    return sorted(odd) + first
# file: polls/worker.py
from resonate.resonate import Resonate
from resonate.retry import Never

from polls.counting import audit, tally


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="polls", retry_policy=Never())
    client.register(tally)
    client.register(audit)
    return client
