# file: kitchen/operations.py
from collections.abc import Awaitable, Callable

from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession


async def once[R: BaseModel](
    engine: AsyncEngine, operation_id: str, result: type[R], effect: Callable[[AsyncSession], Awaitable[R]]
) -> R:
    """One transaction for the claim, the effect and what it answered."""
    async with AsyncSession(engine) as session, session.begin():
        found = await session.scalar(text("SELECT result FROM operations WHERE id = :id"), {"id": operation_id})
        if found is not None:
            return result.model_validate_json(found)
        done = await effect(session)
        claim = text("INSERT INTO operations VALUES (:id, :result)")
        await session.execute(claim, {"id": operation_id, "result": done.model_dump_json()})
        return done

# file: kitchen/db.py
import asyncio
import os

from pydantic import BaseModel
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from kitchen.models import Dish, Wish
from kitchen.operations import once


class Saved(BaseModel):
    id: str


async def save_dish(ctx: Context, dish: str, cents: int) -> Saved:
    async def effect(session: AsyncSession) -> Saved:
        session.add(Dish(name=dish, cents=cents))
        return Saved(id=dish)

    return await once(ctx.get_dependency(AsyncEngine), f"db/op/save-dish/{dish}", Saved, effect)


async def save_wish(ctx: Context, table: int, wish: str) -> None:
    async with AsyncSession(ctx.get_dependency(AsyncEngine)) as session:
        session.add(Wish(table=table, text=wish))  # want: RS303
        await session.commit()


async def count_dishes(ctx: Context) -> int:
    async with AsyncSession(ctx.get_dependency(AsyncEngine)) as session:
        return await session.scalar(text("SELECT count(*) FROM dishes")) or 0


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=6)
    resonate = Resonate(url="http://localhost:8001", group="db", retry_policy=policy)
    resonate.with_dependency(create_async_engine(os.environ["DATABASE_URL"]))
    resonate.register(save_dish, name="db.save_dish")
    resonate.register(save_wish, name="db.save_wish")
    resonate.register(count_dishes, name="db.count_dishes")
    await asyncio.Event().wait()


asyncio.run(main())

# file: kitchen/models.py
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Dish(Base):
    __tablename__ = "dishes"

    name: Mapped[str] = mapped_column(primary_key=True)
    cents: Mapped[int]


class Wish(Base):
    __tablename__ = "wishes"

    id: Mapped[int] = mapped_column(primary_key=True)
    table: Mapped[int]
    text: Mapped[str]
