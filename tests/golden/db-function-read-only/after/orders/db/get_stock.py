"""The durable function `db.get_stock`: a read, harmless to repeat."""

from resonate.context import Context

from ..contracts.db import get_stock as contract
from ..contracts.db.get_stock import GetStock, GetStockResult
from ..runtime.database import Database
from ..runtime.durable.rpc import serve


@serve(contract.get_stock, retries=6)
async def get_stock(ctx: Context, request: GetStock) -> GetStockResult:
    """Run `db.get_stock`."""
    async with ctx.get_dependency(Database).read() as session:
        # Your queries go here, for example `await session.get(Row, request.id)`.
        await session.connection()
    return GetStockResult(
        sku=request.sku,
        # An example: nothing here has this name and type.
        by_place={"example": 1},
    )
