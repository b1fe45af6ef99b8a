"""What group `db` serves. Any process may use it: contracts import `rpc` and `gate`, and each other."""

from pydantic import AwareDatetime, BaseModel

from ..rpc import Rpc


class ReserveStock(BaseModel):
    """What `db.reserve_stock` is asked."""

    sku: str
    quantity: int


class ReserveStockResult(BaseModel):
    """What `db.reserve_stock` answers."""

    left: int
    checked_at: AwareDatetime


reserve_stock = Rpc(
    name="db.reserve_stock",
    group="db",
    request=ReserveStock,
    result=ReserveStockResult,
)
