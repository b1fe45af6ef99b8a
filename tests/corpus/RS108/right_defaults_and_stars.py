import asyncio
import os
from datetime import timedelta
from typing import Any

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def brew(ctx: Context, tea: str, /, minutes: int = 3, *, sugar: int = 0, milk: bool = False) -> str:
    return f"{tea} {minutes} {sugar} {milk}"


async def serve_all(ctx: Context, *cups: str, table: int, **wishes: int) -> dict[str, int]:
    return {cup: wishes.get(cup, 0) + table for cup in cups}


def count(ctx: Context, *args: Any) -> int:
    return len(args)


async def tea_time(ctx: Context, wishes: dict[str, Any], *extra: str) -> dict[str, int]:
    cups = [
        await ctx.run(brew, "green"),
        await ctx.run(brew, "black", 4, milk=True),
        await ctx.run(brew, *extra[:2]),
        await ctx.run(brew, "mint", **wishes),
    ]
    await ctx.run(count)
    await ctx.run(count, *cups, "and", "more")
    return await ctx.run(serve_all, *cups, table=4, green=1, black=2)


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group="tea", retry_policy=policy)
    client.register(tea_time)
    client.register(brew, name="tea.brew")
    patient = client.options(timeout=timedelta(hours=1))
    print(await patient.run("tea/1", tea_time, {"sugar": 2}, "oolong").result())
    print(await patient.rpc("tea/2", "tea.brew", "white", sugar=1).result())
    await client.schedule("tea-daily", "0 16 * * *", "tea.brew", ("earl grey",), {"milk": True})


asyncio.run(main())
