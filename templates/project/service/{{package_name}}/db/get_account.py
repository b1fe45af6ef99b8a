"""The durable function `db.get_account`: a read, harmless to repeat."""

from resonate.context import Context

from ..contracts.db import AccountView, FoundAccount, GetAccount
from .database import Database
from .models import Account


async def load_account(ctx: Context, request: GetAccount) -> FoundAccount:
    """Read the account, or find that there is none."""
    async with ctx.get_dependency(Database).read() as session:
        row = await session.get(Account, request.account_id)
        if row is None:
            return FoundAccount(account=None)
        return FoundAccount(account=AccountView(id=row.id, owner=row.owner, balance_cents=row.balance_cents))
