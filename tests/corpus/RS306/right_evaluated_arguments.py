"""Lambdas and generators that are used up before the call is made: what is sent is a list, a number, a text."""

from datetime import timedelta
from typing import Any

from resonate.context import Context


async def load(ctx: Context, shelf: str) -> list[dict[str, Any]]:
    return [{"title": shelf, "year": 1999}]


async def publish(ctx: Context, shelf: str) -> str:
    rows = await ctx.run(load, shelf)
    remote = ctx.options(target="site", timeout=timedelta(minutes=5))
    await remote.rpc("site.put", sorted(rows, key=lambda row: row["year"]), sum(row["year"] for row in rows))
    await remote.rpc("site.titles", ", ".join(row["title"] for row in rows), list(map(str, rows)))
    await remote.rpc("site.flags", any(row["year"] > 2000 for row in rows), years=[row["year"] for row in rows])
    try:
        return await remote.rpc("site.flush", shelf)
    except Exception as error:
        return await remote.rpc("site.complain", str(error), f"{error!r}", type(error).__name__)
