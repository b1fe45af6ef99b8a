import asyncio
import os
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


class Recipes:
    def __init__(self, client: Resonate) -> None:
        self.client = client
        client.register(knead, name="bakery.knead")
        client.register(bake, name="bakery.bake")

    async def order(self, number: int) -> str:
        return await self.client.options(timeout=timedelta(hours=4)).run(f"bake/{number}", bake, number).result()


async def knead(ctx: Context, loaves: int) -> float:
    return loaves * 0.6


async def knead_slowly(ctx: Context, loaves: int) -> float:
    return loaves * 0.65


async def bake(ctx: Context, loaves: int) -> float:
    patient = ctx.options(timeout=timedelta(hours=2))
    quick, slow = patient.rpc(knead, loaves), patient.rpc(knead_slowly, loaves)  # want: RS106
    return await quick + await slow


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    recipes = Recipes(Resonate(url=os.environ["RESONATE_URL"], group="bakery", retry_policy=policy))
    print(await recipes.order(12))


asyncio.run(main())
