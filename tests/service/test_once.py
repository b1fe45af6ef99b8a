"""`durable.once`: the same operation again returns what the first recorded."""

import asyncio
from datetime import timedelta

import pytest
from pydantic import BaseModel
from shop.runtime.database import Database, Operation
from shop.runtime.durable.once import once
from shop.runtime.errors import OperationConflict
from shop.runtime.settings import ServiceSettings
from sqlalchemy import func, select
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
