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
    """Each has a Context of its own, whose numbers nobody else takes."""
    return list(await asyncio.gather(*[ctx.run(settle, order) for order in orders]))


async def settle_elsewhere(ctx: Context, orders: list[int]) -> list[str]:
    futures = [ctx.rpc("settle", order) for order in orders]
    return [await it for it in futures]


async def settle_through(ctx: Context, orders: list[int]) -> None:
    async def one(inner: Context, order: int) -> str:
        return await settle(inner, order)

    await asyncio.gather(*(ctx.run(one, it) for it in orders))
