# file: bakery/__main__.py
import asyncio

from resonate.resonate import Resonate

from bakery.recipes import register_recipes


async def main() -> None:
    client = Resonate(  # want: RS307
        url="http://localhost:8001",
        group="bakery",
        pid="oven-1",
    )
    register_recipes(client)
    await asyncio.Event().wait()


asyncio.run(main())

# file: bakery/recipes.py
from resonate.context import Context
from resonate.resonate import Resonate


async def knead(ctx: Context, grams: int) -> int:
    return grams * 2


async def bread(ctx: Context, loaves: int) -> int:
    return await ctx.run(knead, loaves * 500)


def register_recipes(resonate: Resonate) -> None:
    resonate.register(bread, name="recipes.bread")
