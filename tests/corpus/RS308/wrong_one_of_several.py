"""A loop over groups of which one is another's; a promise whose timeout is None; a gate that its call bounds."""

from datetime import timedelta
from typing import Any

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


async def gate(ctx: Context) -> Any:
    return await ctx.promise()


async def count(ctx: Context) -> int:
    return 1


async def census(ctx: Context, elsewhere: str) -> int:
    await ctx.options(timeout=timedelta(minutes=4)).run(gate)
    total = 0
    for group in ("home", "abroad"):
        total += await ctx.options(target=group).rpc("count")  # want: RS308
    options = {"target": "abroad", "timeout": timedelta(days=1)}
    total += await ctx.options(**options).rpc("count")
    total += await ctx.options(target=elsewhere).rpc("count")
    return total + len(await ctx.promise(timeout=None))  # want: RS308


def wire(url: str) -> list[Resonate]:
    home = Resonate(url=url, group="home", retry_policy=Never(), autostart=False)
    abroad = Resonate(url=url, group="abroad", retry_policy=Never(), autostart=False)
    home.register(census)
    for client in (home, abroad):
        client.register(count)
    return [home, abroad]
