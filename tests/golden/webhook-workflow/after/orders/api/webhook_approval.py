"""The webhook `approval`: it resumes the workflow that waits."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from ..contracts.workflows.approval import Approval, approval
from ..runtime.http.auth import ClientDep
from ..runtime.http.webhooks import ANSWERED, Signed, Webhook, deliver, find_root

router = APIRouter(tags=["webhooks"])
webhook = Webhook("approval")

# What the ids of `place-order` begin with: one for each way to start it.
KINDS: list[str] = ["place-order", "orders"]


class ApprovalBody(Approval):
    """The answer as it is sent, and the work that it is for."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"job_id": "order-4711", "approved": True, "by": "example"}]},
    )

    job_id: str


class ApprovalTaken(BaseModel):
    """The answer that holds."""

    job_id: str
    answer: Approval


@router.post("/webhooks/approval", responses=ANSWERED, openapi_extra=webhook.takes(ApprovalBody))
async def take_approval(signed: Annotated[Signed, Depends(webhook)], client: ClientDep) -> ApprovalTaken:
    """Take an answer for the work that it names, from when that was accepted.

    The same again is answered alike.
    """
    sent = signed.parse(ApprovalBody)
    answer = Approval(approved=sent.approved, by=sent.by)
    root = await find_root(client, KINDS, sent.job_id)
    holds = await deliver(client, approval, root, answer, signed)
    return ApprovalTaken(job_id=sent.job_id, answer=holds)
