"""`durable.once`: the same operation again returns what the first recorded."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import AwareDatetime, BaseModel, Field
from shop.runtime.database import Database, Operation
from shop.runtime.durable.once import once
from shop.runtime.errors import OperationConflict
from shop.runtime.settings import ServiceSettings
from sqlalchemy import event, func, select
from sqlalchemy.ext.asyncio import AsyncSession


class Deposit(BaseModel):
    amount: int


class Receipt(BaseModel):
    number: int


class Bank:
    """Counts how often it was paid."""

    def __init__(self, *, fail: bool = False) -> None:
        self.payments = 0
        self.fail = fail

    async def pay(self, session: AsyncSession) -> Receipt:
        self.payments += 1
        # Rows of its own, so that a rollback is seen.
        session.add(Operation(id=f"payment-{self.payments}", request="", result=None))
        await session.flush()
        if self.fail:
            raise RuntimeError("the bank burned down")
        return Receipt(number=self.payments)


async def rows(database: Database) -> int:
    async with database.read() as session:
        return await session.scalar(select(func.count()).select_from(Operation)) or 0


async def test_a_second_run_finds_the_first(database: Database) -> None:
    bank = Bank()
    first = await once(database, "db/op/pay/1", Deposit(amount=5), Receipt, bank.pay)
    again = await once(database, "db/op/pay/1", Deposit(amount=5), Receipt, bank.pay)
    assert (first, again, bank.payments, await rows(database)) == (Receipt(number=1), first, 1, 2)


async def test_runs_at_the_same_time_do_it_once(database: Database) -> None:
    bank = Bank()
    runs = [once(database, "db/op/pay/1", Deposit(amount=5), Receipt, bank.pay) for _ in range(10)]
    assert {receipt.number for receipt in await asyncio.gather(*runs)} == {1}
    assert (bank.payments, await rows(database)) == (1, 2)


async def test_other_arguments_are_an_error(database: Database) -> None:
    bank = Bank()
    await once(database, "db/op/pay/1", Deposit(amount=5), Receipt, bank.pay)
    with pytest.raises(OperationConflict, match="other arguments"):
        await once(database, "db/op/pay/1", Deposit(amount=6), Receipt, bank.pay)
    assert bank.payments == 1


async def test_another_operation_is_done(database: Database) -> None:
    bank = Bank()
    receipts = [await once(database, f"db/op/pay/{n}", Deposit(amount=5), Receipt, bank.pay) for n in (1, 2)]
    assert ([receipt.number for receipt in receipts], await rows(database)) == ([1, 2], 4)


async def test_a_failed_effect_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError, match="burned down"):
        await once(database, "db/op/pay/1", Deposit(amount=5), Receipt, Bank(fail=True).pay)
    assert await rows(database) == 0
    bank = Bank()
    assert await once(database, "db/op/pay/1", Deposit(amount=5), Receipt, bank.pay) == Receipt(number=1)


# Which requests are the same


class Booking(BaseModel):
    customer: str
    rating: str = "unknown"
    read_at: AwareDatetime | None = None


MONDAY, TUESDAY = datetime(2026, 11, 30, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


async def test_what_was_read_from_the_clock_need_not_match(database: Database) -> None:
    """A job that runs again from its beginning reads the clock again, and finds its write done."""
    bank = Bank()
    first = await once(database, "db/op/book/1", Booking(customer="a", read_at=MONDAY), Receipt, bank.pay)
    again = await once(database, "db/op/book/1", Booking(customer="a", read_at=TUESDAY), Receipt, bank.pay)
    assert (again, bank.payments) == (first, 1)
    with pytest.raises(OperationConflict, match="all but moments"):
        await once(database, "db/op/book/1", Booking(customer="b", read_at=MONDAY), Receipt, bank.pay)


async def test_a_function_says_what_must_match(database: Database) -> None:
    bank = Bank()

    async def book(number: int, booking: Booking, *match: str) -> Receipt:
        return await once(database, f"db/op/book/{number}", booking, Receipt, bank.pay, match=match)

    one, other = Booking(customer="a", rating="good", read_at=MONDAY), Booking(customer="a", read_at=TUESDAY)
    assert await book(1, one, "customer") == await book(1, other, "customer") == await book(1, other, "customer")
    with pytest.raises(OperationConflict, match="compared are customer;"):
        await book(1, Booking(customer="b"), "customer")
    await book(2, one, "customer", "read_at")
    with pytest.raises(OperationConflict):
        await book(2, other, "customer", "read_at")
    with pytest.raises(ValueError, match="Booking has no field custmer"):
        await book(3, one, "custmer")
    assert bank.payments == 2


async def test_neighbouring_releases_have_the_same_operation(database: Database) -> None:
    """The later one has a field with a default, and sends it; the earlier one drops it, and the other way round."""

    class Before(BaseModel):
        customer: str

    class After(BaseModel):
        customer: str
        rating: str = "unknown"
        tags: list[str] = Field(default_factory=list)

    bank = Bank()
    sent = {"customer": "a", "rating": "unknown", "tags": []}
    releases: list[tuple[type[BaseModel], type[BaseModel]]] = [(Before, After), (After, Before)]
    for number, (one, other) in enumerate(releases):
        first = await once(database, f"db/op/book/{number}", one.model_validate(sent), Receipt, bank.pay)
        assert await once(database, f"db/op/book/{number}", other.model_validate(sent), Receipt, bank.pay) == first
    with pytest.raises(OperationConflict):
        await once(database, "db/op/book/0", After(customer="a", rating="good"), Receipt, bank.pay)


async def test_what_version_0_1_recorded_still_matches(database: Database) -> None:
    """It took in all that was sent, defaults and moments too; and a function may say `match` only now."""
    sent = Booking.model_validate({"customer": "a", "rating": "unknown", "read_at": MONDAY})
    digest = "a6066022e5dbd9b99aff3a2269f56540464f4840246c6e508ac6abc5bc5633a7"
    async with database.write() as session:
        session.add(Operation(id="db/op/book/1", request=digest, result={"number": 7}))
    for match in (None, ("customer",)):
        found = await once(database, "db/op/book/1", sent, Receipt, Bank().pay, match=match)
        assert found == Receipt(number=7)
    bank = Bank()
    await once(database, "db/op/book/2", sent, Receipt, bank.pay)
    await once(database, "db/op/book/2", sent, Receipt, bank.pay, match=("customer",))
    assert bank.payments == 1


# Bounds that fit each other


def bounded(settings: ServiceSettings, **values: object) -> ServiceSettings:
    return settings.model_copy(update={name: value for name, value in values.items()})


async def test_a_claim_is_waited_for_longer_than_for_a_lock(database_url: str, settings: ServiceSettings) -> None:
    """Another run of the same operation that takes its time is no error, and costs no attempt."""
    bank = Bank()

    async def slowly(session: AsyncSession) -> Receipt:
        receipt = await bank.pay(session)
        await asyncio.sleep(1)
        return receipt

    tight = bounded(settings, database_lock_timeout=timedelta(seconds=0.2), database_pool_size=1)
    async with Database(database_url, tight) as database:
        runs = [once(database, "db/op/pay/1", Deposit(amount=5), Receipt, slowly) for _ in range(8)]
        assert {receipt.number for receipt in await asyncio.gather(*runs)} == {1}
    assert bank.payments == 1


async def test_writers_do_not_time_each_other_out(database_url: str, settings: ServiceSettings) -> None:
    """As many at a time as a worker may hold; together they take longer than one of them waits for a lock."""

    async def slowly(session: AsyncSession) -> Receipt:
        await asyncio.sleep(0.02)
        return Receipt(number=1)

    tight = bounded(settings, database_lock_timeout=timedelta(seconds=0.3))
    async with Database(database_url, tight) as database:
        runs = [once(database, f"db/op/pay/{n}", Deposit(amount=5), Receipt, slowly) for n in range(settings.max_runs)]
        await asyncio.gather(*runs)
        assert await rows(database) == settings.max_runs


async def test_a_write_inside_a_write_is_refused(database: Database) -> None:
    """On SQLite it would wait for itself, and on Postgres for the last connection."""

    async def nested(session: AsyncSession) -> Receipt:
        return await once(database, "db/op/pay/2", Deposit(amount=5), Receipt, Bank().pay)

    with pytest.raises(RuntimeError, match="a write inside a write"):
        async with asyncio.timeout(5):
            await once(database, "db/op/pay/1", Deposit(amount=5), Receipt, nested)
    assert await rows(database) == 0
    await once(database, "db/op/pay/1", Deposit(amount=5), Receipt, Bank().pay)


class Statements:
    """What a database is asked, in the order of the requests; ``ping`` is not counted among them."""

    def __init__(self, database: Database) -> None:
        self.made: list[str] = []
        engine = database._engine.sync_engine
        event.listen(engine, "before_cursor_execute", lambda *arguments: self.made.append(str(arguments[2]).split()[0]))
        event.listen(engine, "commit", lambda _: self.made.append("COMMIT"))


async def test_a_write_takes_three_statements_and_one_that_was_done_two(database: Database) -> None:
    statements, bank = Statements(database), Bank()
    await once(database, "db/op/pay/1", Deposit(amount=5), Receipt, bank.pay)
    # SQLite is told to begin; psycopg does it by itself. The claim, the effect, the result.
    begin = statements.made[: statements.made.count("BEGIN")]
    assert statements.made == [*begin, "INSERT", "INSERT", "UPDATE", "COMMIT"]
    statements.made.clear()
    await once(database, "db/op/pay/1", Deposit(amount=5), Receipt, bank.pay)
    assert statements.made == [*begin, "INSERT", "SELECT", "COMMIT"]


async def test_a_read_is_one_statement(database: Database) -> None:
    statements = Statements(database)
    await rows(database)
    await rows(database)
    assert statements.made == ["SELECT"] * 2
