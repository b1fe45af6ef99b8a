"""`db.get_account`: read one account."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, StringConstraints

from ...runtime.durable.rpc import Rpc

AccountId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class GetAccount(BaseModel):
    """Read one account."""

    account_id: AccountId


class AccountView(BaseModel):
    """An account. Money is a decimal number: text in JSON, which keeps it exact."""

    id: str
    owner: str
    balance: Decimal


class FoundAccount(BaseModel):
    """`account` is None when there is none: no retry would find it."""

    account: AccountView | None


get_account = Rpc(
    name="db.get_account",
    group="db",
    request=GetAccount,
    result=FoundAccount,
)
