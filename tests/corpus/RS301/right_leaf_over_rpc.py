# file: ledger/db.py
import asyncio

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine


async def append_entry(ctx: Context, entry_id: str, cents: int) -> None:
    """Makes no durable call: a leaf, which may touch the database."""
    async with AsyncSession(ctx.get_dependency(AsyncEngine)) as session:
        await session.execute(
            text("INSERT INTO entries VALUES (:id, :cents) ON CONFLICT DO NOTHING"), {"id": entry_id, "cents": cents}
        )
        await session.commit()


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    resonate = Resonate(url="http://localhost:8001", group="ledger-db", retry_policy=policy)
    resonate.with_dependency(create_async_engine("postgresql+psycopg://ledger"))
    resonate.register(append_entry, name="ledger.append")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())

# file: ledger/workflows.py
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate


async def transfer(ctx: Context, transfer_id: str, cents: int) -> None:
    db = ctx.options(target="ledger-db", timeout=timedelta(minutes=5))
    await db.rpc("ledger.append", f"{transfer_id}-out", -cents)
    await db.rpc("ledger.append", f"{transfer_id}-in", cents)


def register(resonate: Resonate) -> None:
    resonate.register(transfer)
