"""The webhook `approval`: an answer from outside resumes the workflow that waits for it."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from ..contracts.workflows.approval import Approval, approval
from ..runtime.durable.ids import root_id
from ..runtime.http.auth import ClientDep
from ..runtime.http.webhooks import ANSWERED, Signed, Webhook, deliver

router = APIRouter(tags=["webhooks"])
webhook = Webhook("approval")


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
    """Take an answer for the work that it names, from when that was accepted. The same again is answered alike."""
    sent = signed.parse(ApprovalBody)
    answer = Approval(approved=sent.approved, by=sent.by)
    holds = await deliver(client, approval, root_id("place-order", sent.job_id), answer, signed)
    return ApprovalTaken(job_id=sent.job_id, answer=holds)
