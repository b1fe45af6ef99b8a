"""The durable function `db.get_account`: a read, harmless to repeat."""

from resonate.context import Context

from ..contracts.db import get_account as contract
from ..contracts.db.get_account import AccountView, FoundAccount, GetAccount
from ..runtime.database import Database
from ..runtime.durable.rpc import serve
from .models import Account


# Retries are for locks and time-outs: a database that is away costs none.
@serve(contract.get_account, retries=6)
async def get_account(ctx: Context, request: GetAccount) -> FoundAccount:
    """Read the account, or find that there is none."""
    async with ctx.get_dependency(Database).read() as session:
        row = await session.get(Account, request.account_id)
        if row is None:
            return FoundAccount(account=None)
        return FoundAccount(account=AccountView(id=row.id, owner=row.owner, balance=row.balance))
