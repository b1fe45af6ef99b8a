"""The durable function `db.reserve_stock`: a write, so it goes through `once`."""

from datetime import UTC, datetime

from resonate.context import Context
from sqlalchemy.ext.asyncio import AsyncSession

from ..contracts.db import reserve_stock as contract
from ..contracts.db.reserve_stock import ReserveStock, ReserveStockResult
from ..runtime.database import Database
from ..runtime.durable.ids import call_id, operation_id
from ..runtime.durable.once import once
from ..runtime.durable.rpc import serve


@serve(contract.reserve_stock, retries=6)
async def reserve_stock(ctx: Context, request: ReserveStock) -> ReserveStockResult:
    """Run `db.reserve_stock`. The id of the call names the operation: it happens
    once, however often this runs.
    """

    async def effect(session: AsyncSession) -> ReserveStockResult:
        # Your rows go here, for example `session.add(Row(…))`: they are one transaction
        # with the claim of the operation.
        return ReserveStockResult(
            # Examples: nothing here has these names and types.
            left=1,
            checked_at=datetime(2026, 1, 31, 12, tzinfo=UTC),
        )

    return await once(
        ctx.get_dependency(Database), operation_id("reserve-stock", call_id(ctx)), request, ReserveStockResult, effect
    )
