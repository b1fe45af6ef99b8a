"""Columns, numbers, models made of rows; and rows that can be written: SQLModel's, and mapped dataclasses."""

from pydantic import BaseModel
from resonate.context import Context
from resonate.resonate import Resonate
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column
from sqlmodel import SQLModel


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer: Mapped[str]

    def shown(self) -> dict[str, int]:
        return {"id": self.id}


class Parcel(MappedAsDataclass, Base):
    __tablename__ = "parcels"
    id: Mapped[int] = mapped_column(primary_key=True)


class Tag(SQLModel, table=True):
    id: int


class OrderView(BaseModel):
    id: int
    customer: str


async def view(ctx: Context, order: int) -> OrderView:
    async with AsyncSession(ctx.get_dependency(AsyncEngine)) as session:
        row = await session.get_one(Order, order)
        return OrderView(id=row.id, customer=row.customer)


async def customer_of(ctx: Context, order: int) -> str | None:
    async with AsyncSession(ctx.get_dependency(AsyncEngine)) as session:
        return await session.scalar(select(Order.customer).where(Order.id == order))


async def count(ctx: Context) -> int:
    async with AsyncSession(ctx.get_dependency(AsyncEngine)) as session:
        found = await session.get(Order, 1)
        if found is None:
            return 0
        return (await session.execute(select(func.count()).select_from(Order))).scalar_one() + found.id


async def shown(ctx: Context, order: int) -> dict[str, int]:
    async with AsyncSession(ctx.get_dependency(AsyncEngine)) as session:
        return (await session.get_one(Order, order)).shown()


async def tag(ctx: Context, number: int) -> Tag:
    async with AsyncSession(ctx.get_dependency(AsyncEngine)) as session:
        return await session.get_one(Tag, number)


async def parcel(ctx: Context, number: int) -> Parcel:
    async with AsyncSession(ctx.get_dependency(AsyncEngine)) as session:
        return await session.get_one(Parcel, number)


async def report(ctx: Context, order: int) -> int:
    for step in (view, customer_of, shown, tag, parcel):
        await ctx.run(step, order)
    return await ctx.run(count)


def register(resonate: Resonate) -> None:
    resonate.register(report)
