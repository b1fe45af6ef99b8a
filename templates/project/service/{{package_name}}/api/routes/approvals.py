"""The approval webhook: a person's decision resumes a waiting job."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from ... import ids
from ...contracts.workflows import Decision, approval
from ..dependencies import EngineDep, not_found
from ..webhooks import PROBLEMS, SignedBody, deliver, openapi_body, parse

router = APIRouter(prefix="/webhooks/approvals", tags=["webhooks"])


class ApprovalRequest(BaseModel):
    """The decision."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{"approved": True}]})

    approved: bool


class ApprovalTaken(BaseModel):
    """The decision that holds."""

    id: str
    approved: bool


@router.post("/{id}", responses=PROBLEMS, openapi_extra=openapi_body(ApprovalRequest))
async def decide(id: str, body: SignedBody, engine: EngineDep) -> ApprovalTaken:
    """Approve or reject a job. The same decision again is answered as the first was."""
    decision = Decision(approved=parse(ApprovalRequest, body).approved)
    if not ids.visible_to(None, id):
        raise not_found()
    holds = await deliver(engine, approval, id, decision, root=ids.root("job", id))
    return ApprovalTaken(id=id, approved=holds.approved)
