"""`durable.once`: the same operation again returns what the first recorded."""

import asyncio

import pytest
from pydantic import BaseModel
from shop.runtime.database import Database, Operation
from shop.runtime.durable.once import once
from shop.runtime.errors import OperationConflict
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
