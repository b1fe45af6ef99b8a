import asyncio
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Linear


class Nursery:
    """Trees, from seed to sale."""

    def __init__(self, plots: int) -> None:
        self.plots = plots

    async def sow(self, ctx: Context, kind: str, seeds: int) -> list[str]:
        return [f"{kind}-{number % self.plots}" for number in range(seeds)]

    @staticmethod
    def graft(ctx: Context, tree: str, onto: str) -> str:
        return f"{tree}/{onto}"

    async def season(self, ctx: Context, kind: str) -> list[str]:
        trees = await ctx.run(self.sow, kind)  # want: RS108
        grafted = [ctx.run(self.graft, tree, "quince") for tree in trees]
        grafted.append(ctx.run(Nursery.graft, trees[0], "apple", "pear"))  # want: RS108
        return [await tree for tree in grafted]

    def install(self, client: Resonate) -> None:
        client.register(self.season, name="nursery.season")


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="trees", retry_policy=Linear(delay=1, max_retries=3))
    Nursery(4).install(client)
    print(await client.run("season/1", "nursery.season", "pear").result())


asyncio.run(main())
