from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel
from resonate.resonate import Resonate
from resonate.types import Value

WAITING = "proofread/"


async def authenticated(request: Request) -> None:
    if request.headers.get("Authorization") not in request.app.state.editors:
        raise HTTPException(401)


router = APIRouter(prefix="/articles", dependencies=[Depends(authenticated)])


class Proof(BaseModel):
    corrections: list[str]


@router.post("/{article}/proof")
async def proofread(article: str, proof: Proof, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    record = await resonate.promises.resolve(WAITING + article, Value(data=proof.corrections))
    return {"state": record.state}


@router.delete("/{article}/proof")
async def withdraw(article: str, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    record = await resonate.promises.cancel(f"{WAITING}{article}", Value(data="withdrawn"))
    return {"state": record.state}
