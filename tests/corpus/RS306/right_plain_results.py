"""Without annotations: dicts and lists are the same after JSON, and a pair that is unpacked at once works too."""

from resonate.context import Context
from resonate.resonate import Resonate


async def settings(ctx, site):
    return {"site": site, "limits": [1, 2.5, None], "on": True}


async def bounds(ctx, limits):
    return min(limits), max(limits)


def label(ctx, site):
    known = {"north", "south"}
    return "known" if site in known else "new"


async def check(ctx: Context, site: str) -> str:
    found = await ctx.run(settings, site)
    low, high = await ctx.run(bounds, [limit for limit in found["limits"] if limit is not None])
    return f"{await ctx.run(label, site)} {low}..{high}"


def register(resonate: Resonate) -> None:
    resonate.register(check)
