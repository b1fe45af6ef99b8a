"""The durable function `db.reserve_stock`: a write, so it goes through `operations`."""

from datetime import UTC, datetime

from resonate.context import Context
from sqlalchemy.ext.asyncio import AsyncSession

from .. import ids
from ..contracts.db import ReserveStock, ReserveStockResult
from .database import Database
from .operations import once


async def reserve_stock(ctx: Context, request: ReserveStock) -> ReserveStockResult:
    """Do one `db.reserve_stock`. The call names the operation: it happens once, however often this runs."""

    async def effect(session: AsyncSession) -> ReserveStockResult:
        # Your rows go here, for example `session.add(Row(…))`: they are one transaction with the operation's claim.
        return ReserveStockResult(
            # Examples: nothing here has these names and types.
            left=1,
            checked_at=datetime(2026, 1, 31, 12, tzinfo=UTC),
        )

    return await once(
        ctx.get_dependency(Database),
        ids.operation("reserve-stock", ctx.info.id),
        request,
        ReserveStockResult,
        effect,
    )
