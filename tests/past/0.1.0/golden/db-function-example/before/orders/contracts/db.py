"""What group `db` serves. Any process may use it: contracts import `rpc` and `gate`, and each other."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, StringConstraints

from ..rpc import Rpc

AccountId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class GetAccount(BaseModel):
    """Read one account."""

    account_id: AccountId


class AccountView(BaseModel):
    """An account. Money is in cents."""

    id: str
    owner: str
    balance_cents: int


class FoundAccount(BaseModel):
    """`account` is None when there is none: no retry would find it."""

    account: AccountView | None


class SaveResult(BaseModel):
    """Record what a job found, once."""

    job_id: str
    account_id: str
    risk: str
    processed_at: AwareDatetime


class SavedResult(BaseModel):
    """The record's number."""

    result_id: int


get_account = Rpc(
    name="db.get_account",
    group="db",
    request=GetAccount,
    result=FoundAccount,
)

save_result = Rpc(
    name="db.save_result",
    group="db",
    request=SaveResult,
    result=SavedResult,
)
