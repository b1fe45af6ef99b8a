import asyncio
from datetime import timedelta

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel
from resonate.resonate import Resonate

router = APIRouter()


class Address(BaseModel):
    id: int
    street: str


@router.post("/addresses/check")
async def check(address: Address, request: Request) -> dict[str, bool]:
    resonate: Resonate = request.app.state.resonate
    post = resonate.options(target="post", timeout=timedelta(seconds=30))
    handle = post.rpc(f"address/{address.id}", "check_address", address.street)
    try:
        known = await asyncio.wait_for(handle.result(), 15)
    except TimeoutError:
        raise HTTPException(504, "the post office is slow today") from None
    return {"deliverable": known}
