"""The webhook `approval`: an answer from outside resumes the workflow that waits for it."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from ..contracts.workflows.approval import Approval, approval
from ..runtime.durable.ids import is_visible, root_id
from ..runtime.http.auth import ClientDep
from ..runtime.http.problems import not_found
from ..runtime.http.webhooks import ANSWERED, SignedBody, deliver, parse, signed

router = APIRouter(prefix="/webhooks/approval", tags=["webhooks"])


class ApprovalRequest(Approval):
    """The answer, as it is sent."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"approved": True, "by": "example"}]},
    )


class ApprovalTaken(BaseModel):
    """The answer that holds."""

    id: str
    answer: Approval


@router.post("/{id:path}", responses=ANSWERED, openapi_extra=signed(ApprovalRequest))
async def take_approval(id: str, body: SignedBody, client: ClientDep) -> ApprovalTaken:
    """Take an answer for the work with this id. The same answer again gets the same response."""
    sent = parse(ApprovalRequest, body)
    answer = Approval(approved=sent.approved, by=sent.by)
    if not is_visible(None, id):
        raise not_found()
    holds = await deliver(client, approval, id, answer, root=root_id("place-order", id))
    return ApprovalTaken(id=id, answer=holds)
