"""The webhook `audit`: an answer from outside resumes the workflow that waits for it."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from ..contracts.workflows.audit import Audit, audit
from ..runtime.durable.ids import is_visible, root_id
from ..runtime.http.auth import ClientDep
from ..runtime.http.problems import not_found
from ..runtime.http.webhooks import ANSWERED, SignedBody, deliver, parse, signed

router = APIRouter(prefix="/webhooks/audit", tags=["webhooks"])


class AuditRequest(Audit):
    """The answer, as it is sent."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{"passed": True}]})


class AuditTaken(BaseModel):
    """The answer that holds."""

    id: str
    answer: Audit


@router.post("/{id:path}", responses=ANSWERED, openapi_extra=signed(AuditRequest))
async def take_audit(id: str, body: SignedBody, client: ClientDep) -> AuditTaken:
    """Take an answer for the work with this id. The same answer again gets the same response."""
    sent = parse(AuditRequest, body)
    answer = Audit(passed=sent.passed)
    if not is_visible(None, id):
        raise not_found()
    holds = await deliver(client, audit, id, answer, root=root_id("job", id))
    return AuditTaken(id=id, answer=holds)
