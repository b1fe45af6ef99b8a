"""The webhook `audit`: an answer from outside resumes the workflow that waits for it."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from ... import ids
from ...contracts.workflows import Audit, audit
from ..dependencies import EngineDep, not_found
from ..webhooks import PROBLEMS, SignedBody, deliver, openapi_body, parse

router = APIRouter(prefix="/webhooks/audit", tags=["webhooks"])


class AuditSent(Audit):
    """The answer, as it is sent."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{"passed": True}]})


class AuditTaken(BaseModel):
    """The answer that holds."""

    id: str
    answer: Audit


@router.post("/{id:path}", responses=PROBLEMS, openapi_extra=openapi_body(AuditSent))
async def take_audit(id: str, body: SignedBody, engine: EngineDep) -> AuditTaken:
    """Take an answer for the work with this id. The same answer again is answered as the first was."""
    sent = parse(AuditSent, body)
    answer = Audit(passed=sent.passed)
    if not ids.visible_to(None, id):
        raise not_found()
    holds = await deliver(engine, audit, id, answer, root=ids.root("job", id))
    return AuditTaken(id=id, answer=holds)
