"""The durable function `db.save_result`: a write, so it goes through `once`."""

from resonate.context import Context
from sqlalchemy.ext.asyncio import AsyncSession

from ..contracts.db import save_result as contract
from ..contracts.db.save_result import SavedResult, SaveResult
from ..runtime.database import Database
from ..runtime.durable.ids import operation_id
from ..runtime.durable.once import once
from ..runtime.durable.rpc import serve
from .models import JobResultRow


@serve(contract.save_result, retries=6)
async def save_result(ctx: Context, request: SaveResult) -> SavedResult:
    """Record the result of a job. The job names the operation: one result each, however often this runs."""

    async def effect(session: AsyncSession) -> SavedResult:
        row = JobResultRow(**request.model_dump())
        session.add(row)
        await session.flush()
        return SavedResult(result_id=row.id)

    operation = operation_id("save-result", request.job_id)
    # The rest was read by steps, which read it anew when the job runs again from its beginning.
    wanted = ("job_id", "account_id")
    return await once(ctx.get_dependency(Database), operation, request, SavedResult, effect, match=wanted)
