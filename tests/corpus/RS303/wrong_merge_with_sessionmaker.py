# file: crm/db/operations.py
from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crm.db.tables import Operation

Sessions = async_sessionmaker[AsyncSession]


async def once(sessions: Sessions, operation_id: str, effect: Callable[[AsyncSession], Awaitable[None]]) -> None:
    async with sessions.begin() as session:
        if await session.get(Operation, operation_id) is None:
            session.add(Operation(id=operation_id))
            await effect(session)

# file: crm/db/tables.py
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Operation(Base):
    __tablename__ = "operations"

    id: Mapped[str] = mapped_column(primary_key=True)


class Customer(Base):
    __tablename__ = "customers"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]

# file: crm/db/customers.py
from resonate.context import Context
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crm.db.operations import once
from crm.db.tables import Customer


class Customers:
    """The durable functions of one table."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self.sessions = sessions

    async def create(self, ctx: Context, customer: str, name: str) -> str:
        async def effect(session: AsyncSession) -> None:
            session.add(Customer(id=customer, name=name))

        await once(self.sessions, f"db/op/create/{customer}", effect)
        return customer

    async def rename(self, ctx: Context, customer: str, name: str) -> str:
        async with self.sessions.begin() as session:
            await session.merge(Customer(id=customer, name=name))  # want: RS303
        return customer

    async def forget(self, ctx: Context, customer: str) -> bool:
        async with self.sessions.begin() as session:
            row = await session.get(Customer, customer)
            if row is not None:
                await session.delete(row)  # want: RS303
            return row is not None

# file: crm/db/worker.py
from resonate.resonate import Resonate
from resonate.retry import Exponential
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from crm.db.customers import Customers


def start(url: str) -> Resonate:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=6)
    resonate = Resonate(url=url, group="db", retry_policy=policy, autostart=False)
    customers = Customers(async_sessionmaker(create_async_engine("postgresql+psycopg://crm")))
    resonate.register(customers.create, name="db.create_customer")
    resonate.register(customers.rename, name="db.rename_customer")
    resonate.register(customers.forget, name="db.forget_customer")
    return resonate
