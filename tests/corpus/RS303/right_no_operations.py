"""A project that has no operations module: how it makes its writes repeatable is its own affair."""

import asyncio

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine


async def once(engine: AsyncEngine, statement: str) -> None:
    """Not that `once`: this one makes the schema."""
    async with engine.begin() as connection:
        await connection.execute(text(statement))


async def put_tag(ctx: Context, photo: str, tag: str) -> None:
    async with ctx.get_dependency(AsyncEngine).begin() as connection:
        await connection.execute(
            text("INSERT INTO tags VALUES (:photo, :tag) ON CONFLICT DO NOTHING"), {"photo": photo, "tag": tag}
        )


async def main() -> None:
    engine = create_async_engine("sqlite+aiosqlite:///photos.db")
    await once(engine, "CREATE TABLE IF NOT EXISTS tags (photo TEXT, tag TEXT, PRIMARY KEY (photo, tag))")
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=6)
    resonate = Resonate(url="http://localhost:8001", group="db", retry_policy=policy)
    resonate.with_dependency(engine)
    resonate.register(put_tag, name="db.put_tag")
    await asyncio.Event().wait()


asyncio.run(main())
