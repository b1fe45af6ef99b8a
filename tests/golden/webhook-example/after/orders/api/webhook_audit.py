"""The webhook `audit`: it resumes the workflow that waits."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from ..contracts.workflows.audit import Audit, audit
from ..runtime.http.auth import ClientDep
from ..runtime.http.webhooks import ANSWERED, Signed, Webhook, deliver, find_root

router = APIRouter(tags=["webhooks"])
webhook = Webhook("audit")

# What the ids of `process-job` begin with: one for each way to start it.
KINDS: list[str] = ["process-job", "job"]


class AuditBody(Audit):
    """The answer as it is sent, and the work that it is for."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [{"job_id": "order-4711", "passed": True}]}
    )

    job_id: str


class AuditTaken(BaseModel):
    """The answer that holds."""

    job_id: str
    answer: Audit


@router.post("/webhooks/audit", responses=ANSWERED, openapi_extra=webhook.takes(AuditBody))
async def take_audit(signed: Annotated[Signed, Depends(webhook)], client: ClientDep) -> AuditTaken:
    """Take an answer for the work that it names, from when that was accepted.

    The same again is answered alike.
    """
    sent = signed.parse(AuditBody)
    answer = Audit(passed=sent.passed)
    root = await find_root(client, KINDS, sent.job_id)
    holds = await deliver(client, audit, root, answer, signed)
    return AuditTaken(job_id=sent.job_id, answer=holds)
