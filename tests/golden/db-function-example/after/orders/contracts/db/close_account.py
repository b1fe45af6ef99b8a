"""The durable function `db.close_account`."""

from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc
from .get_account import AccountId, AccountView


class CloseAccount(BaseModel):
    """Request of `db.close_account`."""

    account_id: AccountId
    reason: str | None = None


class CloseAccountResult(BaseModel):
    """Result of `db.close_account`."""

    account: AccountView


close_account = Rpc(
    name="db.close_account",
    group="db",
    request=CloseAccount,
    result=CloseAccountResult,
)
