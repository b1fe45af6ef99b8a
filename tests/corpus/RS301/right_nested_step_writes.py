"""The write stands inside the workflow's body, but in a function that runs as a step."""

import asyncpg
from resonate.context import Context
from resonate.resonate import Resonate


async def stock_of(ctx: Context, sku: str) -> int:
    return await ctx.get_dependency(asyncpg.Pool).fetchval("SELECT amount FROM stock WHERE sku = $1", sku)


async def reserve(ctx: Context, order_id: str, sku: str, amount: int) -> bool:
    async def take(step: Context) -> None:
        pool = step.get_dependency(asyncpg.Pool)
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("UPDATE stock SET amount = amount - $2 WHERE sku = $1", sku, amount)
            await connection.execute("INSERT INTO reservations VALUES ($1, $2, $3)", order_id, sku, amount)

    if await ctx.run(stock_of, sku) < amount:
        return False
    await ctx.run(take)
    return True


def register(resonate: Resonate) -> None:
    resonate.register(reserve, name="stock.reserve")
