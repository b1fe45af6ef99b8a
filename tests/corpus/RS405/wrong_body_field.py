import os
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel
from resonate.resonate import Resonate
from resonate.types import Value

from callbacks import verify_signature


@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.resonate = Resonate(url=os.environ["RESONATE_URL"], group="callbacks")
    yield
    await app.state.resonate.stop()


app = FastAPI(lifespan=lifespan)


class Callback(BaseModel):
    correlation: str
    paid_cents: int


@app.post("/callbacks/payment")
async def paid(callback: Callback, x_signature: Annotated[str, Header()]) -> dict[str, bool]:
    if not verify_signature(callback.model_dump_json(), x_signature):
        raise HTTPException(401)
    target = callback.correlation
    await app.state.resonate.promises.resolve(target, Value(data={"cents": callback.paid_cents}))  # want: RS405
    return {"ok": True}
