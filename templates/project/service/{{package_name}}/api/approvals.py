"""The approval webhook: a person's decision resumes a waiting job."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from ..contracts.workflows.approval import Decision, approval
from ..runtime.durable.ids import is_visible, root_id
from ..runtime.http.auth import ClientDep
from ..runtime.http.problems import not_found
from ..runtime.http.webhooks import ANSWERED, SignedBody, deliver, parse, signed

router = APIRouter(prefix="/webhooks/approvals", tags=["webhooks"])


class ApprovalRequest(BaseModel):
    """The decision."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{"approved": True}]})

    approved: bool


class ApprovalTaken(BaseModel):
    """The decision that holds."""

    id: str
    approved: bool


@router.post("/{id}", responses=ANSWERED, openapi_extra=signed(ApprovalRequest))
async def decide(id: str, body: SignedBody, client: ClientDep) -> ApprovalTaken:
    """Approve or reject a job. The same decision again gets the same response."""
    decision = Decision(approved=parse(ApprovalRequest, body).approved)
    if not is_visible(None, id):
        raise not_found()
    holds = await deliver(client, approval, id, decision, root=root_id("job", id))
    return ApprovalTaken(id=id, approved=holds.approved)
