"""The approval webhook: a person's decision resumes a waiting job."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from ..contracts.workflows.approval import Decision, approval
from ..runtime.durable.ids import root_id
from ..runtime.http.auth import ClientDep
from ..runtime.http.webhooks import ANSWERED, Signed, Webhook, deliver

router = APIRouter(prefix="/webhooks/approvals", tags=["webhooks"])
webhook = Webhook("approvals")


class Approval(BaseModel):
    """A decision, and the job that it is for."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"job_id": "order-4711", "approved": True}]},
    )

    job_id: str
    approved: bool


@router.post("", responses=ANSWERED, openapi_extra=webhook.takes(Approval))
async def decide(signed: Annotated[Signed, Depends(webhook)], client: ClientDep) -> Approval:
    """Approve or reject a job, from when it was accepted. Returns the decision that holds."""
    sent = signed.parse(Approval)
    decision = Decision(approved=sent.approved)
    holds = await deliver(client, approval, root_id("job", sent.job_id), decision, signed)
    return Approval(job_id=sent.job_id, approved=holds.approved)
