"""The durable function `db.close_account`, on a real database."""

from sqlalchemy import func, select

from orders.contracts.db.close_account import CloseAccount, close_account
from orders.runtime.database import Database, Operation
from orders.runtime.testing.running import CallFunction

REQUEST = CloseAccount(account_id="example")


async def test_close_account_happens_once(call: CallFunction, database: Database) -> None:
    first = await call(close_account, "test/1", REQUEST)
    # The engine has forgotten the first call, as after a crash: the function runs
    # again under the same id.
    again = await call(close_account, "test/1", REQUEST)
    assert first == again
    async with database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Operation)) == 1
