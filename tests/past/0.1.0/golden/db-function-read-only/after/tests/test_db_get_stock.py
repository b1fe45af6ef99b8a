"""The durable function `db.get_stock`, on a real database."""

from orders.contracts.db import GetStock, get_stock
from tests.conftest import Call

REQUEST = GetStock(sku="example")


async def test_get_stock(call: Call) -> None:
    first = await call(get_stock, "test/1", REQUEST)
    again = await call(get_stock, "test/1", REQUEST)
    assert first == again
