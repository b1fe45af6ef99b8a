# file: gates.py
from typing import Any

from resonate.resonate import Resonate
from resonate.types import PromiseRecord, Value


async def answer(resonate: Resonate, kind: str, key: str, data: dict[str, Any]) -> PromiseRecord:
    return await resonate.promises.resolve(f"{kind}/{key}", Value(data=data))


# file: app.py
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from resonate.resonate import Resonate

from gates import answer


class Verdict(BaseModel):
    photo: str
    allowed: bool


def build(resonate: Resonate) -> FastAPI:
    app = FastAPI()

    @app.post("/moderation")
    async def moderate(verdict: Verdict) -> dict[str, bool]:  # want: RS406
        record = await answer(resonate, "photo", verdict.photo, {"allowed": verdict.allowed})
        if record.value.data != {"allowed": verdict.allowed}:
            raise HTTPException(409)
        return {"allowed": verdict.allowed}

    return app
