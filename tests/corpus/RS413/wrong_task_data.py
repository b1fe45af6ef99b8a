import time

from fastapi import FastAPI, Request
from resonate.resonate import Resonate
from resonate.types import TaskData, Value

app = FastAPI()


@app.put("/jobs/{key}", status_code=202)
async def submit(key: str, kind: str, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    root = f"job/{key}"
    record = await resonate.promises.create(  # want: RS413
        root,
        int(time.time() * 1000) + 60_000,
        Value(data=TaskData(func=kind, args=(key,), kwargs={}, version=1)),
        {"resonate:target": "poll://any@workers"},
    )
    return {"id": record.id}
