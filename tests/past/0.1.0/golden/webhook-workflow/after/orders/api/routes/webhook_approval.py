"""The webhook `approval`: an answer from outside resumes the workflow that waits for it."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from ... import ids
from ...contracts.workflows import Approval, approval
from ..dependencies import EngineDep, not_found
from ..webhooks import PROBLEMS, SignedBody, deliver, openapi_body, parse

router = APIRouter(prefix="/webhooks/approval", tags=["webhooks"])


class ApprovalSent(Approval):
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


@router.post("/{id:path}", responses=PROBLEMS, openapi_extra=openapi_body(ApprovalSent))
async def take_approval(id: str, body: SignedBody, engine: EngineDep) -> ApprovalTaken:
    """Take an answer for the work with this id. The same answer again is answered as the first was."""
    sent = parse(ApprovalSent, body)
    answer = Approval(approved=sent.approved, by=sent.by)
    if not ids.visible_to(None, id):
        raise not_found()
    holds = await deliver(engine, approval, id, answer, root=ids.root("place-order", id))
    return ApprovalTaken(id=id, answer=holds)
