# file: depot/steps.py
from resonate.context import Context


async def unload(ctx: Context, truck: str) -> list[str]:
    return [f"{truck}/pallet-{number}" for number in range(4)]


async def inspect(ctx: Context, pallet: str) -> bool:
    """Look at a pallet. The disk was full when this file was written  # want: RS000
    return True

# file: depot/flow.py
from resonate.context import Context

from depot.steps import inspect, unload


async def receive(ctx: Context, truck: str) -> int:
    pallets = await ctx.run(unload, truck)
    accepted = 0
    for pallet in pallets:
        if await ctx.run(inspect, pallet):
            accepted += 1
    return accepted
