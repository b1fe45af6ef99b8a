"""Rows as results: by key, by a query, of a helper, several of them."""

from resonate.context import Context
from resonate.resonate import Resonate
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, declarative_base, mapped_column


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer: Mapped[str]


Older = declarative_base()


class Customer(Older):
    __tablename__ = "customers"
    id = mapped_column(primary_key=True)


async def by_key(ctx: Context, order: int) -> Order:
    async with AsyncSession(ctx.get_dependency(AsyncEngine)) as session:
        return await session.get_one(Order, order)  # want: RS306


async def by_query(ctx: Context, customer: str):
    async with AsyncSession(ctx.get_dependency(AsyncEngine)) as session:
        asked = select(Order).where(Order.customer == customer).limit(10)
        found = (await session.scalars(asked)).all()
        return {"orders": found}  # want: RS306


async def newest(session: AsyncSession) -> Order | None:
    return (await session.execute(select(Order).order_by(Order.id.desc()))).scalars().first()


async def by_helper(ctx: Context):
    async with AsyncSession(ctx.get_dependency(AsyncEngine)) as session:
        return await newest(session)  # want: RS306


async def made(ctx: Context, number: int):
    async with AsyncSession(ctx.get_dependency(AsyncEngine)) as session, session.begin():
        customer = Customer(id=number)
        session.add(customer)
        await session.flush()
        return customer  # want: RS306


async def report(ctx: Context, customer: str) -> int:
    await ctx.run(by_key, 1)
    await ctx.run(by_query, customer)
    await ctx.run(by_helper)
    await ctx.run(made, 1)
    return 1


def register(resonate: Resonate) -> None:
    resonate.register(report)
