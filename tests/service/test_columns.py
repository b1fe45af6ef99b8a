"""`columns`: what is written is what is read, on both databases."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel
from shop.runtime.columns import CONSTRAINT_NAMES, EXACT_TYPES, AsJson, Instant, Money
from shop.runtime.database import Database
from sqlalchemy import MetaData, func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import StatementError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=CONSTRAINT_NAMES)
    type_annotation_map = EXACT_TYPES


class Payment(Base):
    __tablename__ = "payments"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    amount: Mapped[Decimal] = mapped_column(default=Decimal(0))
    rate: Mapped[Decimal | None] = mapped_column(Money(12, 6))
    count: Mapped[int] = mapped_column(default=0)


@pytest.fixture
async def payments(database: Database) -> Database:
    async with database.write() as session:
        await session.run_sync(lambda inner: Base.metadata.create_all(inner.connection()))
    return database


async def kept(database: Database, **values: Any) -> Payment:
    async with database.write() as session:
        row = Payment(**values)
        session.add(row)
        await session.flush()
        number = row.id
    async with database.read() as session:
        return await session.get_one(Payment, number)


FIVE_HOURS_WEST = timezone(-timedelta(hours=5))
MOMENT = datetime(2026, 1, 1, 22, 30, 15, 123456, tzinfo=FIVE_HOURS_WEST)


async def test_a_moment_is_the_same_moment(payments: Database) -> None:
    found = (await kept(payments, at=MOMENT)).at
    assert found == MOMENT and found.tzinfo is UTC
    # What the database itself writes is one too.
    assert abs((await kept(payments)).at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_moments_are_compared_as_moments(payments: Database) -> None:
    for hours in (-5, 0, 9):
        await kept(payments, at=datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=hours))))
    async with payments.read() as session:
        noon = datetime(2026, 1, 1, 14, tzinfo=timezone(timedelta(hours=2)))
        assert (await session.scalars(select(Payment.id).where(Payment.at >= noon).order_by(Payment.at))).all() == [
            2,
            1,
        ]
        assert await session.scalar(select(func.max(Payment.at))) == datetime(2026, 1, 1, 17, tzinfo=UTC)


async def test_a_time_without_a_zone_is_refused(payments: Database) -> None:
    with pytest.raises(StatementError, match="has no zone"):
        await kept(payments, at=datetime(2026, 1, 1))


AMOUNTS = ["0.00", "0.01", "-0.01", "1.10", "9999999999999999.99", "-9999999999999999.99", "12345678901234.57"]


@pytest.mark.parametrize("amount", AMOUNTS)
async def test_money_is_the_same_to_the_digit(payments: Database, amount: str) -> None:
    found = (await kept(payments, amount=Decimal(amount), rate=None)).amount
    assert (type(found), str(found)) == (Decimal, amount)


async def test_money_is_compared_and_summed_as_numbers(payments: Database) -> None:
    for amount in ("9.50", "10.25", "-100.00", "9999999999999.99"):
        await kept(payments, amount=Decimal(amount), count=3)

    async def values(session: AsyncSession, *clauses: Any) -> list[Any]:
        query = select(Payment.amount).order_by(Payment.amount)
        return [str(it) for it in await session.scalars(query.where(*clauses))]

    async with payments.read() as session:
        assert await values(session) == ["-100.00", "9.50", "10.25", "9999999999999.99"]
        assert await values(session, Payment.amount > 9, Payment.amount <= Decimal("10.25")) == ["9.50", "10.25"]
        assert await values(session, Payment.amount.in_([Decimal("9.5"), 7])) == ["9.50"]
        assert await values(session, Payment.amount + Decimal("0.50") == 10) == ["9.50"]
        assert await values(session, -Payment.amount == 100) == ["-100.00"]
        assert str(await session.scalar(select(func.sum(Payment.amount)))) == "9999999999919.74"
        assert str(await session.scalar(select(func.max(Payment.amount)))) == "9999999999999.99"
        tenth = select(Payment.amount * 2, 3 * Payment.amount, Payment.amount * Payment.count).where(Payment.id == 1)
        assert list(map(str, (await session.execute(tenth)).one())) == ["19.00", "28.50", "28.50"]


async def test_a_rate_has_its_own_scale(payments: Database) -> None:
    assert str((await kept(payments, rate=Decimal("0.0725"))).rate) == "0.072500"


@pytest.mark.parametrize(
    ("amount", "message"),
    [
        (Decimal("1.005"), "1.005 does not fit into 18 digits, 2 behind the point"),
        (Decimal(10) ** 16, "does not fit"),
        (Decimal("1E+40"), "does not fit"),
        (Decimal("NaN"), "NaN does not fit"),
        (Decimal("Infinity"), "does not fit"),
        (0.1, "0.1 is no Decimal"),
        (True, "True is no Decimal"),
        ("1.00", "is no Decimal"),
    ],
)
async def test_money_is_never_rounded(payments: Database, amount: Any, message: str) -> None:
    with pytest.raises(StatementError, match=message):
        await kept(payments, amount=amount)


def test_what_the_databases_would_do_differently_is_refused() -> None:
    for wrong in (
        lambda: Payment.amount * Decimal("0.5"),
        lambda: Payment.amount * Payment.amount,
        lambda: Payment.amount / 2,
        lambda: 1 / Payment.amount,
        lambda: Payment.amount % 2,
        lambda: Payment.amount // 2,
    ):
        with pytest.raises(TypeError, match="multiply and divide money in Python"):
            wrong()
    with pytest.raises(ValueError, match=r"Money\(20, 2\): at most 18 digits"):
        Money(20, 2)


@given(st.decimals(min_value=-(10**16) + 1, max_value=10**16 - 1, places=2))
def test_any_money_survives_either_database(amount: Decimal) -> None:
    money = Money()
    for dialect in (sqlite.dialect(), postgresql.dialect()):  # type: ignore[no-untyped-call]
        found = money.process_result_value(money.process_bind_param(amount, dialect), dialect)
        assert found == amount and str(found) == f"{amount:.2f}"


@given(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1), timezones=st.timezones()))
def test_any_moment_survives_sqlite(moment: datetime) -> None:
    dialect = sqlite.dialect()
    written = Instant().process_bind_param(moment, dialect)
    assert written is not None
    # SQLite keeps no zone.
    assert Instant().process_result_value(written.replace(tzinfo=None), dialect) == moment.astimezone(UTC)


async def test_whole_numbers_have_64_bits(payments: Database) -> None:
    assert (await kept(payments, count=2**63 - 1)).count == 2**63 - 1


class Size(StrEnum):
    small = "small"
    large = "large, or larger"


class Item(BaseModel):
    price: Decimal
    day: date


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[Size | None]
    items: Mapped[list[Item] | None] = mapped_column(AsJson(list[Item]))
    opens: Mapped[time | None] = mapped_column(AsJson(time))


async def test_what_is_kept_as_json_comes_back_as_what_it_was(payments: Database) -> None:
    items = [Item(price=Decimal("1.10"), day=date(2026, 1, 31))]
    opens = time(8, 30, tzinfo=timezone(timedelta(hours=1)))
    async with payments.write() as session:
        session.add_all([Order(id=1, items=items, opens=opens), Order(id=2)])
    async with payments.read() as session:
        found, nothing = (await session.scalars(select(Order).order_by(Order.id))).all()
        assert (found.items, found.opens, nothing.items) == (items, opens, None)
        # It is NULL, and not the null of JSON.
        assert await session.scalar(select(func.count()).where(Order.items.is_(None))) == 1


async def test_an_enumeration_is_kept_as_its_value(payments: Database) -> None:
    async with payments.write() as session:
        session.add_all([Order(id=1, size=Size.large), Order(id=2)])
    async with payments.read() as session:
        found = (await session.scalars(select(Order.size).order_by(Order.id))).all()
        assert found == [Size.large, None]
        assert await session.scalar(text("SELECT size FROM orders WHERE id = 1")) == "large, or larger"
        assert await session.scalar(select(Order.id).where(Order.size == Size.large)) == 1
