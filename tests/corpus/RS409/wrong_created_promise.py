import time
import uuid

from fastapi import FastAPI, Request
from pydantic import BaseModel
from resonate.resonate import Resonate
from resonate.types import TaskData, Value

app = FastAPI()


class Invitation(BaseModel):
    email: str


@app.post("/invitations", status_code=202)
async def invite(invitation: Invitation, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    root = f"invitation/{uuid.uuid4().hex}"
    tags = {"resonate:origin": root, "resonate:branch": root, "resonate:parent": root}
    tags |= {"resonate:scope": "global", "resonate:target": "poll://any@onboarding"}
    task = TaskData(func="invite", args=(invitation.email,))
    deadline = int(time.time() * 1000) + 7 * 86_400_000
    record = await resonate.promises.create(root, deadline, Value(data=task), tags)  # want: RS409
    return {"email": invitation.email, "state": record.state}
