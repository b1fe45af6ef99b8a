"""The durable function `db.get_stock`."""

from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class GetStock(BaseModel):
    """Request of `db.get_stock`."""

    sku: str


class GetStockResult(BaseModel):
    """Result of `db.get_stock`."""

    sku: str
    by_place: dict[str, int]


get_stock = Rpc(
    name="db.get_stock",
    group="db",
    request=GetStock,
    result=GetStockResult,
)
