# file: mint/__init__.py
from .coins import polish, strike

__all__ = ["polish", "strike"]

# file: mint/coins.py
import functools

from resonate.context import Context


async def strike(ctx: Context, metal: str) -> str:
    return f"{metal} coin"


async def polish(ctx: Context, coin: str) -> str:
    return f"shiny {coin}"


async def weigh(ctx: Context, coin: str) -> int:
    return len(coin)


async def engrave(ctx: Context, coin: str, text: str) -> str:
    return f"{coin} with {text}"


async def melt(ctx: Context, coin: str) -> str:
    return f"molten {coin}"


async def count(ctx: Context, coins: list[str]) -> int:
    return len(coins)


motto = functools.partial(engrave, text="E PLURIBUS")
RECYCLING = {"melt": melt}

# file: mint/press.py
import asyncio
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

from mint import coins


async def press(ctx: Context, metal: str, waste: str | None = None) -> dict[str, int]:
    coin = await ctx.run(coins.strike, metal)
    coin = await coins.motto(ctx, coin)
    if waste in coins.RECYCLING:
        coin = await ctx.run(coins.RECYCLING[waste], coin)
    return {coin: await getattr(coins, "weigh")(ctx, coin), "all": await _counted(ctx, coin)}  # noqa: B009


async def _counted(ctx: Context, *made: str) -> int:
    return await ctx.run(coins.count, list(made))


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group="mint", retry_policy=policy)
    client.register(press)
    await asyncio.Event().wait()
