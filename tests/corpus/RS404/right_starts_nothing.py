from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel
from resonate.resonate import Resonate
from resonate.types import Value

router = APIRouter(prefix="/shifts")


class Swap(BaseModel):
    accepted: bool


async def signed(request: Request) -> None:
    if not request.app.state.signer.verify(await request.body(), request.headers.get("X-Signature")):
        raise HTTPException(401)


@router.post("/{shift}/swap", dependencies=[Depends(signed)])
async def answer_swap(shift: str, swap: Swap, request: Request) -> dict[str, str]:
    # It settles what waits already, and that is done when this answers: 200.
    resonate: Resonate = request.app.state.resonate
    record = await resonate.promises.resolve(f"swap/{shift}", Value(data={"accepted": swap.accepted}))
    return {"state": record.state}


@router.get("/{shift}")
async def show(shift: str, request: Request) -> dict[str, object]:
    record = await request.app.state.resonate.promises.get(f"swap/{shift}")
    return {"state": record.state, "tags": record.tags}
