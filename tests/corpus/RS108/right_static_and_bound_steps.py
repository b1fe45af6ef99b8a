import asyncio
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


class Steps:
    @staticmethod
    async def add(ctx: Context, a: int, b: int = 2) -> int:
        return a + b

    @classmethod
    async def named(cls, ctx: Context, id: str, func: str) -> str:
        return cls.__name__ + id + func

    async def bound(self, ctx: Context, a: int) -> int:
        return a


steps = Steps()


async def work(ctx: Context, n: int) -> str:
    total = await ctx.run(Steps.add, n) + await ctx.run(steps.add, n, b=3) + await ctx.run(steps.bound, n)
    return str(total) + await ctx.run(Steps.named, id="a", func="b")


async def main() -> None:
    client = Resonate(group="s", retry_policy=Never())
    client.register(work)
    print(await client.run("w", work, 1).result())


asyncio.run(main())
