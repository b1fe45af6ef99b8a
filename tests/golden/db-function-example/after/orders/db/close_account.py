"""The durable function `db.close_account`: a write, so it goes through `once`."""

from decimal import Decimal

from resonate.context import Context
from sqlalchemy.ext.asyncio import AsyncSession

from ..contracts.db import close_account as contract
from ..contracts.db.close_account import CloseAccount, CloseAccountResult
from ..contracts.db.get_account import AccountView
from ..runtime.database import Database
from ..runtime.durable.ids import call_id, operation_id
from ..runtime.durable.once import once
from ..runtime.durable.rpc import serve


@serve(contract.close_account, retries=6)
async def close_account(ctx: Context, request: CloseAccount) -> CloseAccountResult:
    """Run `db.close_account`. The id of the call names the operation: it happens
    once, however often this runs.
    """

    async def effect(session: AsyncSession) -> CloseAccountResult:
        # Your rows go here, for example `session.add(Row(…))`: they are one transaction
        # with the claim of the operation.
        return CloseAccountResult(
            # An example: nothing here has this name and type.
            account=AccountView(id="example", owner="example", balance=Decimal("1.50"))
        )

    return await once(
        ctx.get_dependency(Database), operation_id("close-account", call_id(ctx)), request, CloseAccountResult, effect
    )
