"""The durable function `db.get_stock`, on a real database."""

from orders.contracts.db.get_stock import GetStock, get_stock
from orders.runtime.testing.running import CallFunction

REQUEST = GetStock(sku="example")


async def test_get_stock(call: CallFunction) -> None:
    first = await call(get_stock, "test/1", REQUEST)
    again = await call(get_stock, "test/1", REQUEST)
    assert first == again
