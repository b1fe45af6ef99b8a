"""The workflow `process-job`."""

from pydantic import AwareDatetime, BaseModel

from ...runtime.durable.rpc import JOB_TIMEOUT, Rpc
from ..db.get_account import AccountId, AccountView


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


process_job = Rpc(
    name="process-job",
    group="workers",
    request=ProcessJob,
    result=JobResult,
    timeout=JOB_TIMEOUT,
)
