# file: post/__init__.py
# file: post/engine.py
import asyncio
from dataclasses import dataclass
from datetime import timedelta
from time import time
from typing import Any

from resonate.resonate import Resonate
from resonate.types import PromiseRecord, TaskData, Value


@dataclass(frozen=True, slots=True)
class Engine:
    resonate: Resonate

    async def start(self, name: str, root: str, request: dict[str, Any], timeout: timedelta) -> PromiseRecord:
        tags = {"resonate:origin": root, "resonate:branch": root, "resonate:parent": root}
        tags |= {"resonate:scope": "global", "resonate:target": "poll://any@workers"}
        timeout_at = int((time() + timeout.total_seconds()) * 1000)
        async with asyncio.timeout(5):
            data = Value(data=TaskData(func=name, args=(request,)))
            return await self.resonate.promises.create(root, timeout_at, data, tags)


# file: post/routes.py
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from .engine import Engine

router = APIRouter(prefix="/letters")


class Letter(BaseModel):
    number: int
    text: str


async def get_engine(request: Request) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


@router.post("", status_code=202)
async def send_letter(letter: Letter, engine: Annotated[Engine, Depends(get_engine)]) -> dict[str, str]:
    wanted = letter.model_dump(mode="json")
    record = await engine.start("send-letter", f"letter/{letter.number}", wanted, timedelta(days=2))
    return {"id": record.id, "state": record.state}
