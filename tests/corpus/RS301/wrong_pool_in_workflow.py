"""Orders of a wine shop, on asyncpg."""

import asyncio
import os
from datetime import timedelta

import asyncpg
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def price_of(ctx: Context, sku: str, bottles: int) -> int:
    pool = ctx.get_dependency(asyncpg.Pool)
    return bottles * await pool.fetchval("SELECT cents FROM wines WHERE sku = $1", sku)


async def place_order(ctx: Context, order_id: str, sku: str, bottles: int) -> int:
    cents = await ctx.run(price_of, sku, bottles)
    pool = ctx.get_dependency(asyncpg.Pool)
    await pool.execute("INSERT INTO orders (id, sku, cents) VALUES ($1, $2, $3)", order_id, sku, cents)  # want: RS301
    await ctx.options(target="carrier", timeout=timedelta(hours=6)).rpc("carrier.book", order_id)
    return cents


async def main() -> None:
    pool = await asyncpg.create_pool(os.environ["DATABASE_URL"])
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    resonate = Resonate(url="http://localhost:8001", group="orders", retry_policy=policy)
    resonate.with_dependency(pool)
    resonate.register(place_order)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
