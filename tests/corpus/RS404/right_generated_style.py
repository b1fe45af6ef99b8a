# file: press/__init__.py
# file: press/rpc.py (shared)
# file: press/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Print(BaseModel):
    issue: int


class Printed(BaseModel):
    copies: int


print_issue = Rpc(name="print-issue", group="presses", request=Print, result=Printed)

# file: press/idempotency.py
from time import time

from fastapi import Request
from resonate.resonate import Resonate
from resonate.types import PromiseRecord, TaskData, Value

from .contracts import Print, print_issue


async def start(request: Request, root: str, wanted: Print) -> PromiseRecord:
    resonate: Resonate = request.app.state.resonate
    tags = {"resonate:origin": root, "resonate:branch": root, "resonate:parent": root}
    tags |= {"resonate:scope": "global", "resonate:target": f"poll://any@{print_issue.group}"}
    data = TaskData(func=print_issue.name, args=(wanted.model_dump(mode="json"),))
    timeout_at = int((time() + print_issue.timeout.total_seconds()) * 1000)
    return await resonate.promises.create(root, timeout_at, Value(data=data), tags)


# file: press/routes.py
from fastapi import APIRouter, Request

from .contracts import Print
from .idempotency import start

router = APIRouter(prefix="/issues")
ACCEPTED = 202


@router.post("/{issue}/print", status_code=ACCEPTED)
async def submit(issue: int, request: Request) -> dict[str, str]:
    started = await start(request, f"issue/{issue}", Print(issue=issue))
    return {"id": started.id, "state": started.state}
