import uuid
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, Field
from resonate.resonate import Resonate

router = APIRouter(prefix="/parcels")


class Parcel(BaseModel):
    id: str = Field(default_factory=lambda: uuid.uuid4().hex)
    weight: int


@router.post("/pickups", status_code=202)
async def pick_up(request: Request, idempotency_key: Annotated[str | None, Header()] = None) -> None:
    # Who wants to ask again gives a key.
    resonate: Resonate = request.app.state.resonate
    key = idempotency_key or uuid.uuid4().hex
    await resonate.options(target="vans", timeout=timedelta(hours=1)).rpc(f"pickup/{key}", "pick_up").id()


@router.post("", status_code=202)
async def send(parcel: Parcel, request: Request) -> Parcel:
    resonate: Resonate = request.app.state.resonate
    vans = resonate.options(target="vans", timeout=timedelta(days=3))
    await vans.rpc(f"parcel/{parcel.id}", "deliver", parcel.weight).id()
    return parcel


@router.post("/batches", status_code=202)
async def send_many(weights: list[int], request: Request) -> list[str]:
    resonate: Resonate = request.app.state.resonate
    vans = resonate.options(target="vans", timeout=timedelta(days=3))
    started: list[str] = []
    for weight in weights:
        handle = vans.rpc(f"parcel/{uuid.uuid4()}", "deliver", weight)
        started.append(await handle.id())
    return started
