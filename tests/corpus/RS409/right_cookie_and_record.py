import time
import uuid
from datetime import timedelta

from fastapi import FastAPI, Response
from resonate.resonate import Resonate
from resonate.types import TaskData, Value


def build(resonate: Resonate) -> FastAPI:
    app = FastAPI()

    @app.post("/quiz", status_code=202)
    async def start_quiz(topic: str, response: Response) -> dict[str, str]:
        session = uuid.uuid4().hex
        await resonate.options(target="quiz", timeout=timedelta(hours=1)).rpc(f"quiz/{session}", "quiz", topic).id()
        response.set_cookie("quiz", session, httponly=True)
        return {"topic": topic}

    @app.post("/duels", status_code=202)
    async def start_duel(topic: str) -> dict[str, str]:
        root = f"duel/{uuid.uuid4()}"
        tags = {"resonate:origin": root, "resonate:branch": root, "resonate:parent": root}
        tags |= {"resonate:scope": "global", "resonate:target": "poll://any@quiz"}
        task = Value(data=TaskData(func="duel", args=(topic,)))
        record = await resonate.promises.create(root, int(time.time() * 1000) + 3_600_000, task, tags)
        return {"duel": record.id}

    return app
