"""A request of the standard library. That it blocks too is told when it stands in a step."""

import json
from urllib.request import urlopen

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


async def reserve(ctx: Context, shop: str, sku: str) -> bool:
    return bool(shop and sku)


async def order_nearest(ctx: Context, sku: str) -> str | None:
    with urlopen("https://shops.example/open.json", timeout=5) as answer:  # want: RS206
        shops = json.load(answer)
    for shop in shops:
        if await ctx.run(reserve, shop, sku):
            return shop
    return None


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="shops", retry_policy=Constant(delay=2, max_retries=5))
    client.register(order_nearest)
    return client
