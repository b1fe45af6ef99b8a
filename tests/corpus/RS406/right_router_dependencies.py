# file: keys.py
from fastapi import HTTPException, Request


async def known_caller(request: Request) -> None:
    if request.headers.get("X-Key") not in request.app.state.keys:
        raise HTTPException(401)


# file: seats.py
from fastapi import APIRouter, Request
from resonate.resonate import Resonate
from resonate.types import Value

router = APIRouter(prefix="/seats")


@router.post("/{seat}/release")
async def release(seat: int, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    record = await resonate.promises.resolve(f"seat/{seat}", Value(data="released"))
    return {"state": record.state}


# file: app.py
from fastapi import Depends, FastAPI

from keys import known_caller
from seats import router

app = FastAPI()
app.include_router(router, dependencies=[Depends(known_caller)])
