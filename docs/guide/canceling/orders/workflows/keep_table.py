"""The workflow `keep-table`: a table is kept for an hour, or until the guest cancels."""

from datetime import timedelta

from resonate.context import Context

from ..contracts.tables.free import Free, free
from ..contracts.tables.keep import Keep, keep
from ..contracts.workflows import keep_table as contract
from ..contracts.workflows.keep_table import KeepTable, KeepTableResult
from ..runtime.durable.rpc import serve
from ..runtime.errors import Canceled


@serve(contract.keep_table)
async def keep_table(ctx: Context, request: KeepTable) -> KeepTableResult:
    """Keep a table for a guest, then free it."""
    kept = await keep(ctx, Keep(guest=request.guest))
    try:
        await ctx.sleep(timedelta(hours=1))
    except Canceled:
        await free(ctx, Free(table=kept.table))
        raise
    await free(ctx, Free(table=kept.table))
    return KeepTableResult(table=kept.table)
