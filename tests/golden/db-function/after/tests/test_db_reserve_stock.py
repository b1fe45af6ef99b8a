"""The durable function `db.reserve_stock`, on a real database."""

from sqlalchemy import func, select

from orders.contracts.db.reserve_stock import ReserveStock, reserve_stock
from orders.runtime.database import Database, Operation
from orders.runtime.testing.running import CallFunction

REQUEST = ReserveStock(sku="example", quantity=1)


async def test_reserve_stock_happens_once(call: CallFunction, database: Database) -> None:
    first = await call(reserve_stock, "test/1", REQUEST)
    # The engine has forgotten the first call, as after a crash: the function runs
    # again under the same id.
    again = await call(reserve_stock, "test/1", REQUEST)
    assert first == again
    async with database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Operation)) == 1
