# file: library/models.py
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Loan(Base):
    __tablename__ = "loans"

    id: Mapped[int] = mapped_column(primary_key=True)
    copy: Mapped[str]
    reader: Mapped[str]


Session = async_sessionmaker(create_async_engine("postgresql+psycopg://library"))

# file: library/workflows.py
from datetime import timedelta

from resonate.context import Context

from library.models import Loan, Session


async def notify(ctx: Context, reader: str, text: str) -> None:
    print(f"to {reader}: {text}")


async def lend(ctx: Context, copy: str, reader: str) -> str:
    """Lend a copy, and remind the reader after three weeks."""
    async with Session() as session:
        session.add(Loan(copy=copy, reader=reader))
        await session.commit()  # want: RS301
    await ctx.sleep(timedelta(weeks=3))
    await ctx.run(notify, reader, f"please bring {copy} back")
    return copy
