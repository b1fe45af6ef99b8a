import asyncio

from resonate.context import Context


async def price(ctx: Context, sku: str) -> int:
    return len(sku)


async def in_cents(ctx: Context, sku: str) -> int:
    return 100 * await ctx.run(price, sku)


async def either(ctx: Context, sku: str) -> int:
    if sku.startswith("x"):
        return await ctx.run(price, sku)
    return await ctx.rpc("price", sku)


async def by_shop(ctx: Context, sku: str) -> int:
    if sku.startswith("x"):
        found = await ctx.run(price, sku)
    else:
        found = await ctx.rpc("price", sku)
    return found


async def both(ctx: Context, sku: str) -> list[int]:
    """Both calls are made before either is awaited."""
    first, second = ctx.run(price, sku), ctx.rpc("price", sku)
    return [await first, await second]


async def several(ctx: Context, skus: list[str]) -> list[int]:
    return list(await asyncio.gather(*[ctx.run(price, it) for it in skus]))


async def basket(ctx: Context, skus: list[str]) -> int:
    cents = await asyncio.gather(*[in_cents(ctx, it) for it in skus])
    others = await asyncio.gather(*(either(ctx, it) for it in skus))
    shops = await asyncio.gather(*(by_shop(ctx, it) for it in skus))
    pairs = await asyncio.gather(*(both(ctx, it) for it in skus))
    lists = await asyncio.gather(several(ctx, skus), several(ctx, skus[:1]))
    return sum(cents) + sum(others) + sum(shops) + sum(map(sum, pairs)) + sum(map(sum, lists))
