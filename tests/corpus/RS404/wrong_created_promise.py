import time

from fastapi import APIRouter, Request
from resonate.resonate import Resonate
from resonate.types import TaskData, Value

router = APIRouter()


@router.delete("/users/{user}")
async def erase(user: int, request: Request) -> dict[str, str]:  # want: RS404
    resonate: Resonate = request.app.state.resonate
    id = f"erasure/{user}"
    tags = {
        "resonate:origin": id,
        "resonate:branch": id,
        "resonate:parent": id,
        "resonate:scope": "global",
        "resonate:target": "poll://any@privacy",
    }
    task = TaskData(func="erase_user", args=(user,))
    record = await resonate.promises.create(id, int(time.time() * 1000) + 86_400_000, Value(data=task), tags)
    return {"id": record.id, "state": record.state}
