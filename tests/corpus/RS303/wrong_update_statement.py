# file: stock/operations.py
from collections.abc import Awaitable, Callable

from sqlalchemy import Column, MetaData, String, Table, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

operations = Table("operations", MetaData(), Column("id", String, primary_key=True))


async def once(
    engine: AsyncEngine, operation_id: str, effect: Callable[[AsyncConnection], Awaitable[None]]
) -> bool:
    """Whether the effect was done now. A second run finds its claim and leaves the rows as they are."""
    async with engine.begin() as connection:
        if await connection.scalar(select(operations.c.id).where(operations.c.id == operation_id)):
            return False
        await connection.execute(insert(operations).values(id=operation_id))
        await effect(connection)
        return True

# file: stock/shelves.py
from resonate.context import Context
from sqlalchemy import Column, Integer, MetaData, String, Table, update
from sqlalchemy.ext.asyncio import AsyncEngine

shelves = Table("shelves", MetaData(), Column("sku", String), Column("amount", Integer))


async def take(ctx: Context, sku: str, amount: int) -> bool:
    """Doubled by a second run: the statement is relative to what is there."""
    statement = update(shelves).where(shelves.c.sku == sku).values(amount=shelves.c.amount - amount)
    async with ctx.get_dependency(AsyncEngine).begin() as connection:
        done = await connection.execute(statement)  # want: RS303
        return done.rowcount == 1

# file: stock/worker.py
import asyncio

from resonate.resonate import Resonate
from resonate.retry import Exponential
from sqlalchemy.ext.asyncio import create_async_engine

from stock.shelves import take


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=6)
    resonate = Resonate(url="http://localhost:8001", group="db", retry_policy=policy)
    resonate.with_dependency(create_async_engine("sqlite+aiosqlite:///stock.db"))
    resonate.register(take, name="db.take")
    await asyncio.Event().wait()


asyncio.run(main())
