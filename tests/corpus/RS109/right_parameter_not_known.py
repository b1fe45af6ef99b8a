import asyncio
import os
from collections.abc import Callable
from typing import Any, TypedDict

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never

try:
    from shopping_types import Amount
except ImportError:
    Amount = str


class Item(TypedDict):
    name: str
    pieces: int


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    async def call(ctx: Context, text: str) -> Any:
        return await function(ctx, int(text))

    return call


@logged
async def double(ctx: Context, number: int) -> int:
    return number * 2


async def buy(ctx: Context, item: Item, amount: Amount, note: str = None) -> str:  # noqa: RUF013
    return f"{amount} {item['name']}"


async def pay(ctx: Context, *cents: int, currency: str = "EUR", **tags: str) -> int:
    return sum(cents)


async def shop(ctx: Context, name: str) -> int:
    await ctx.run(double, "21")
    await ctx.run(buy, {"name": name, "pieces": 2}, 3, note=None)
    await ctx.run(buy, {"name": name, "pieces": 2}, "3")
    return await ctx.run(pay, 1, 2, 3, currency="CHF", shop="corner")


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="shops", retry_policy=Never())
    client.register(shop)
    print(await client.run("shop/1", shop, "bread").result())


asyncio.run(main())
