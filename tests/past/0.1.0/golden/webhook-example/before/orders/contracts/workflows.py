"""What group `workers` serves. Any process may use it: contracts import `rpc` and `gate`, and each other."""

from datetime import timedelta
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field

from ..gate import Gate
from ..rpc import Rpc
from .db import AccountId, AccountView


class ProcessJob(BaseModel):
    """One job: process an account, after an approval where `requires_approval`."""

    account_id: AccountId
    requires_approval: bool = False


class JobResult(BaseModel):
    """What a job that succeeded reports."""

    account: AccountView
    risk: str
    processed_at: AwareDatetime
    approved: bool | None


class Aggregate(BaseModel):
    """Accounts to summarise; the result lists them in this order."""

    account_ids: Annotated[list[AccountId], Field(min_length=1, max_length=100)]


class Summary(BaseModel):
    """Several accounts at once. `missing` are the ids that name none."""

    accounts: list[AccountView]
    missing: list[str]
    total_cents: int


class Decision(BaseModel):
    """A person's answer to a job that waits for approval."""

    approved: bool


process_job = Rpc(
    name="process-job",
    group="workers",
    request=ProcessJob,
    result=JobResult,
    timeout=timedelta(days=7),
)

aggregate = Rpc(
    name="aggregate",
    group="workers",
    request=Aggregate,
    result=Summary,
)

approval = Gate("approve", Decision)
