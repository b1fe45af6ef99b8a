# file: shop/stores.py
from dataclasses import dataclass

import httpx


@dataclass
class Stock:
    url: str


@dataclass
class Prices:
    url: str


def http() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=5)

# file: shop/steps.py
import httpx
from resonate.context import Context

from shop.stores import Prices, Stock


async def reserve(ctx: Context, sku: str) -> str:
    stock = ctx.get_dependency(Stock)
    return f"{stock.url}/{sku}"


async def price(ctx: Context, sku: str) -> str:
    prices = ctx.get_dependency(Prices)  # want: RS115
    client = ctx.get_dependency(httpx.AsyncClient)
    return (await client.get(f"{prices.url}/{sku}")).text


async def quote(ctx: Context, sku: str) -> str:
    return await ctx.run(reserve, sku) + await ctx.run(price, sku)

# file: shop/worker.py
import asyncio

from resonate.resonate import Resonate
from resonate.retry import Never

from shop.steps import quote
from shop.stores import Stock, http


async def main(url: str) -> None:
    client = Resonate(url=url, group="shop", retry_policy=Never())
    client.with_dependency(Stock("https://stock.internal")).with_dependency(http())
    client.register(quote)
    await asyncio.Event().wait()
