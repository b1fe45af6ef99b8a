"""The workflow `process-job`: look up, process, ask where asked to, save.

A workflow only orchestrates. It runs again from the top whenever it wakes, and every durable call answers from the
record, so it must make the same calls in the same order: no clock, no random value, no I/O outside a step.
"""

from pydantic import AwareDatetime, BaseModel
from resonate.context import Context

from ..contracts.db.get_account import AccountView, GetAccount, get_account
from ..contracts.db.save_result import SaveResult, save_result
from ..contracts.workflows import process_job as contract
from ..contracts.workflows.approval import approval
from ..contracts.workflows.process_job import JobResult, ProcessJob
from ..runtime.durable import clock
from ..runtime.durable.ids import job_id
from ..runtime.durable.rpc import serve
from ..runtime.errors import Failure
from ..settings import Settings


class Assessment(BaseModel):
    """What the processing step found."""

    risk: str
    processed_at: AwareDatetime


@serve(contract.process_job)
async def process_job(ctx: Context, job: ProcessJob) -> JobResult:
    """Process one job."""
    found = await get_account(ctx, GetAccount(account_id=job.account_id))
    if found.account is None:
        raise Failure(f"account {job.account_id!r} does not exist", code="no-such-account", status=404)

    assessment = await ctx.run(assess, found.account)

    approved: bool | None = None
    if job.requires_approval:
        patience = ctx.get_dependency(Settings).approval_timeout
        decision = await approval.wait(ctx, patience)
        if decision is None:
            raise Failure("nobody decided in time", code="not-approved")
        if not decision.approved:
            raise Failure("the job was rejected", code="not-approved")
        approved = True

    result = SaveResult(job_id=job_id(ctx), account_id=job.account_id, **assessment.model_dump())
    await save_result(ctx, result)
    return JobResult(account=found.account, approved=approved, **assessment.model_dump())


async def assess(ctx: Context, account: AccountView) -> Assessment:
    """The processing itself, a step: what it reads of the clock is recorded with its result."""
    risk = "high" if account.balance < 0 else "normal"
    return Assessment(risk=risk, processed_at=clock.now(ctx))
