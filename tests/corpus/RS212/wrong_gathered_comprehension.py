import asyncio

from resonate.context import Context


async def charge(ctx: Context, order: int) -> str:
    return f"receipt {order}"


async def mail(ctx: Context, receipt: str) -> None: ...


async def settle(ctx: Context, order: int) -> str:
    receipt = await ctx.run(charge, order)
    await ctx.run(mail, receipt)
    return receipt


async def settle_all(ctx: Context, orders: list[int]) -> list[str]:
    return await asyncio.gather(*[settle(ctx, order) for order in orders])  # want: RS212


async def settle_more(ctx: Context, orders: list[int]) -> list[str]:
    return list(await asyncio.gather(*(settle(ctx, it) for it in orders), return_exceptions=False))  # want: RS212


async def settle_by_map(ctx: Context, orders: list[int]) -> list[str]:
    return list(await asyncio.gather(*map(lambda it: settle(ctx, it), orders)))  # want: RS212
