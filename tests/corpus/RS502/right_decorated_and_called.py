"""A decorated function is a plain function: it is passed on, and attributes of others are their own."""

import asyncio
from collections.abc import Callable

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant

client = Resonate(
    url="http://localhost:8001",
    group="trains",
    retry_policy=Constant(delay=1, max_retries=5),
    autostart=False,
)


class Command:
    def __init__(self, function: Callable[[str], str]) -> None:
        self.function = function

    def run(self, name: str, *words: str) -> str:
        return self.function(" ".join((name, *words)))


@Command
def shout(text: str) -> str:
    return text.upper()


@client.register(name="couple", version=2)
async def couple(ctx: Context, wagons: int) -> str:
    return await ctx.run(whistle, wagons)


@client.register
async def whistle(ctx: Context, times: int) -> str:
    return shout.run("whistle", "x" * times)


async def main() -> None:
    client.start()
    print(couple.__name__, await client.run("couple/1", couple, 3).result())
    await client.stop()


asyncio.run(main())
