# file: choir/db/operations.py
from collections.abc import Awaitable, Callable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession


async def once(engine: AsyncEngine, operation_id: str, effect: Callable[[AsyncSession], Awaitable[None]]) -> None:
    async with AsyncSession(engine) as session, session.begin():
        claim = text("INSERT INTO operations VALUES (:id) ON CONFLICT DO NOTHING RETURNING id")
        if await session.scalar(claim, {"id": operation_id}):
            await effect(session)

# file: choir/db/add_singer.py
from resonate.context import Context
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from . import operations


async def add_singer(ctx: Context, name: str, voice: str) -> None:
    async def effect(session: AsyncSession) -> None:
        await session.execute(text("INSERT INTO singers VALUES (:name, :voice)"), {"name": name, "voice": voice})

    await operations.once(ctx.get_dependency(AsyncEngine), f"db/op/add-singer/{name}", effect)

# file: choir/__init__.py

# file: choir/db/__init__.py

# file: choir/seed.py
"""Sample data, by hand: no durable function, and run by one person."""

import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine


async def seed() -> None:
    async with AsyncSession(create_async_engine("postgresql+psycopg://choir")) as session:
        await session.execute(text("INSERT INTO singers VALUES ('Ada', 'alto')"))
        await session.commit()


if __name__ == "__main__":
    asyncio.run(seed())

# file: choir/workers.py
"""Two processes. Steps of group `workers` keep a cache of their own, which may be written twice."""

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from choir.db.add_singer import add_singer

POLICY = Exponential(delay=1, factor=2, max_delay=30, max_retries=6)


async def cache_score(ctx: Context, piece: str) -> None:
    async with ctx.get_dependency(AsyncEngine).begin() as connection:
        await connection.execute(text("UPDATE cache SET hits = 1 WHERE piece = :piece"), {"piece": piece})


async def rehearse(ctx: Context, pieces: list[str]) -> int:
    for piece in pieces:
        await ctx.run(cache_score, piece)
    return len(pieces)


def db(url: str) -> Resonate:
    resonate = Resonate(url=url, group="db", retry_policy=POLICY, autostart=False)
    resonate.register(add_singer, name="db.add_singer")
    return resonate


def workers(url: str) -> Resonate:
    resonate = Resonate(url=url, group="workers", retry_policy=POLICY, autostart=False)
    resonate.register(rehearse)
    return resonate
