"""The workflow `aggregate`."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, Field

from ...runtime.durable.rpc import Rpc
from ..db.get_account import AccountId, AccountView


class Aggregate(BaseModel):
    """Accounts to summarise; the result lists them in this order."""

    account_ids: Annotated[list[AccountId], Field(min_length=1, max_length=100)]


class Summary(BaseModel):
    """Several accounts at once. `missing` are the ids that name none."""

    accounts: list[AccountView]
    missing: list[str]
    total: Decimal


aggregate = Rpc(
    name="aggregate",
    group="workers",
    request=Aggregate,
    result=Summary,
)
