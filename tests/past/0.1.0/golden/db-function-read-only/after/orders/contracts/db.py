"""What group `db` serves. Any process may use it: contracts import `rpc` and `gate`, and each other."""

from pydantic import BaseModel

from ..rpc import Rpc


class GetStock(BaseModel):
    """What `db.get_stock` is asked."""

    sku: str


class GetStockResult(BaseModel):
    """What `db.get_stock` answers."""

    sku: str
    by_place: dict[str, int]


get_stock = Rpc(
    name="db.get_stock",
    group="db",
    request=GetStock,
    result=GetStockResult,
)
