"""The durable function `db.reserve_stock`."""

from pydantic import AwareDatetime, BaseModel

from ...runtime.durable.rpc import Rpc


class ReserveStock(BaseModel):
    """Request of `db.reserve_stock`."""

    sku: str
    quantity: int


class ReserveStockResult(BaseModel):
    """Result of `db.reserve_stock`."""

    left: int
    checked_at: AwareDatetime


reserve_stock = Rpc(
    name="db.reserve_stock",
    group="db",
    request=ReserveStock,
    result=ReserveStockResult,
)
