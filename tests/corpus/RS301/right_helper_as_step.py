# file: fleet/store.py
from functools import partial

from resonate.context import Context
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker


class Store:
    """Functions that this class offers run as steps only."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions

    async def record(self, ctx: Context, vehicle: str, km: int) -> None:
        async with self._sessions() as session:
            await session.execute(text("UPDATE vehicles SET km = :km WHERE id = :id"), {"km": km, "id": vehicle})
            await session.commit()

    async def retire(self, ctx: Context, vehicle: str, *, reason: str) -> None:
        async with self._sessions.begin() as session:
            await session.execute(text("DELETE FROM vehicles WHERE id = :id"), {"id": vehicle})
            print("retired", vehicle, reason)


async def inspect(ctx: Context, vehicle: str, km: int) -> bool:
    store = ctx.get_dependency(Store)
    await ctx.run(store.record, vehicle, km)
    if km > 400_000:
        await ctx.run(partial(store.retire, reason="worn out"), vehicle)
        return False
    return True
