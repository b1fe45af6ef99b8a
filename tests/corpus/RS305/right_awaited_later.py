"""Calls that are in flight together: in a list, a dict, two names, a gather; each is awaited in the end."""

import asyncio

from resonate.context import Context


async def bid(ctx: Context, dealer: str, item: str) -> int:
    return len(dealer) * len(item)


async def auction(ctx: Context, dealers: list[str], item: str) -> dict[str, int]:
    calls = []
    for dealer in dealers:
        calls.append(ctx.run(bid, dealer, item))
    reserve, estimate = ctx.run(bid, "house", item), ctx.run(bid, "expert", item)
    named = {dealer: ctx.run(bid, dealer, f"{item}, again") for dealer in dealers}
    first = [await call for call in calls]
    second = await asyncio.gather(*named.values())
    floor = max(await reserve, await estimate)
    best = max([floor, *first, *second])
    return {"best": best, "floor": floor}
