"""Several offers at a time, in a helper of the workflow."""

import asyncio
from datetime import timedelta

from resonate.context import Context
from resonate.error import ResonateTimeoutError


async def offers(ctx: Context, carriers: list[str], parcel: str) -> list[int]:
    calls = [ctx.options(target=carrier, timeout=timedelta(minutes=1)).rpc("offer", parcel) for carrier in carriers]
    try:
        return list(await asyncio.gather(*calls))
    except (ResonateTimeoutError, TimeoutError):  # want: RS309
        return []


async def cheapest(ctx: Context, parcel: str) -> int:
    found = await offers(ctx, ["post", "courier"], parcel)
    return min(found, default=0)
