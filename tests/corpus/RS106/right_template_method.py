import asyncio
from abc import ABC, abstractmethod
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


class Job(ABC):
    def __init__(self, client: Resonate) -> None:
        self.client = client
        client.register(self.run, name=type(self).__name__)
        client.register(self.step, name=f"{type(self).__name__}.step")

    async def run(self, ctx: Context, n: int) -> int:
        return await ctx.options(timeout=timedelta(minutes=1)).rpc(self.step, n)

    @abstractmethod
    async def step(self, ctx: Context, n: int) -> int: ...


class Double(Job):
    async def step(self, ctx: Context, n: int) -> int:
        return n * 2

    async def start(self, n: int) -> int:
        return await self.client.run(f"double/{n}", self.step, n).result()


async def main() -> None:
    client = Resonate(group="jobs", retry_policy=Never())
    print(await Double(client).start(3))
    print(await client.options(timeout=timedelta(minutes=1)).rpc("x/1", "Double.step", 4).result())


asyncio.run(main())
