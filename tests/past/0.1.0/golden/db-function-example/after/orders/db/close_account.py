"""The durable function `db.close_account`: a write, so it goes through `operations`."""

from resonate.context import Context
from sqlalchemy.ext.asyncio import AsyncSession

from .. import ids
from ..contracts.db import AccountView, CloseAccount, CloseAccountResult
from .database import Database
from .operations import once


async def close_account(ctx: Context, request: CloseAccount) -> CloseAccountResult:
    """Do one `db.close_account`. The call names the operation: it happens once, however often this runs."""

    async def effect(session: AsyncSession) -> CloseAccountResult:
        # Your rows go here, for example `session.add(Row(…))`: they are one transaction with the operation's claim.
        return CloseAccountResult(
            # An example: nothing here has this name and type.
            account=AccountView(id="example", owner="example", balance_cents=1),
        )

    return await once(
        ctx.get_dependency(Database),
        ids.operation("close-account", ctx.info.id),
        request,
        CloseAccountResult,
        effect,
    )
