import asyncio
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


async def main() -> None:
    client = Resonate(group="nest", retry_policy=Never())

    @client.register
    async def outer(ctx: Context, n: int) -> int:
        async def inner(ctx: Context, a: int, b: int) -> int:
            return a + b

        first = await ctx.run(inner, n)  # want: RS108
        second = await ctx.run(lambda c, x: x, n, 2)  # want: RS108
        return first + second

    async def loose(ctx: Context, n: int) -> int:
        return n

    handle = client.run("loose/1", loose, 2)  # want: RS106
    print(await handle.result())
    print(await client.options(timeout=timedelta(minutes=2)).rpc("outer/1", "outer", 1).result())


asyncio.run(main())
