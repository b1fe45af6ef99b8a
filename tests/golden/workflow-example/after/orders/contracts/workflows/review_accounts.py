"""The workflow `review-accounts`."""

from pydantic import BaseModel

from ...runtime.durable.rpc import JOB_TIMEOUT, Rpc
from ..db.get_account import AccountId
from .aggregate import Summary


class ReviewAccounts(BaseModel):
    """Request of `review-accounts`."""

    accounts: list[AccountId]
    by: str


class ReviewAccountsResult(BaseModel):
    """Result of `review-accounts`."""

    summary: Summary


review_accounts = Rpc(
    name="review-accounts",
    group="workers",
    request=ReviewAccounts,
    result=ReviewAccountsResult,
    timeout=JOB_TIMEOUT,
)
