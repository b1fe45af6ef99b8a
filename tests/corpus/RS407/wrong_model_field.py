import os
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel
from resonate.resonate import Resonate
from resonate.types import Value


@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.resonate = Resonate(url=os.environ["RESONATE_URL"], group="referee")
    yield
    await app.state.resonate.stop()


app = FastAPI(lifespan=lifespan)


class Objection(BaseModel):
    match: int
    reason: str


async def referee(request: Request) -> str:
    name = app.state.referees.get(request.headers.get("Authorization"))
    if name is None:
        raise HTTPException(401)
    return name


@app.post("/objections")
async def object_to(objection: Objection, by: Annotated[str, Depends(referee)]) -> dict[str, str]:
    told = {"message": f"{by}: {objection.reason}"}
    record = await app.state.resonate.promises.reject(f"match/{objection.match}", Value(data=told))  # want: RS407
    return {"state": record.state}
