import asyncio

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


async def add(ctx: Context, a: int, b: int) -> int:
    return a + b


async def total(ctx: Context, numbers: list[int]) -> int:
    found = 0
    for number in numbers:
        found = await ctx.run(add, found, number)
    return found


async def main() -> None:
    client = Resonate(retry_policy=Never())
    client.register(add)
    try:
        handle = client.run("total/1", total, [1, 2, 3])  # want: RS106
        print(await handle.result())
    finally:
        await client.stop()


if __name__ == "__main__":
    asyncio.run(main())
