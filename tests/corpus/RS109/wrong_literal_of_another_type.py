import asyncio
import os
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def plant(ctx: Context, kind: str, rows: int) -> list[str]:
    return [kind] * rows


async def water(ctx: Context, beds: list[str], litres: float = 5.0) -> float:
    return len(beds) * litres


async def garden(ctx: Context, kinds: list[str], year: int) -> float:
    beds: list[str] = []
    for kind in kinds:
        beds += await ctx.run(plant, kind, 3)
    beds += await ctx.run(plant, "beans", "3")  # want: RS109
    used = await ctx.run(water, beds, litres=4)
    return used + await ctx.options(timeout=timedelta(hours=1)).rpc("water", "all", 2.5)  # want: RS109


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group="garden", retry_policy=policy)
    client.register(garden)
    client.register(water)
    print(await client.run("garden/2024", garden, ["peas", "leek"], year="2024").result())  # want: RS109


asyncio.run(main())
