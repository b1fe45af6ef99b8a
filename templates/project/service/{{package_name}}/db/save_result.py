"""The durable function `db.save_result`: a write, so it goes through `operations`."""

from resonate.context import Context
from sqlalchemy.ext.asyncio import AsyncSession

from .. import ids
from ..contracts.db import SavedResult, SaveResult
from .database import Database
from .models import JobResultRow
from .operations import once


async def record_result(ctx: Context, request: SaveResult) -> SavedResult:
    """Record the result of a job. The job names the operation: one result each, however often this runs."""

    async def effect(session: AsyncSession) -> SavedResult:
        row = JobResultRow(**request.model_dump())
        session.add(row)
        await session.flush()
        return SavedResult(result_id=row.id)

    operation_id = ids.operation("save-result", request.job_id)
    return await once(ctx.get_dependency(Database), operation_id, request, SavedResult, effect)
