import os
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import APIRouter, FastAPI, Request
from resonate.resonate import Resonate

router = APIRouter()


@asynccontextmanager
async def lifespan(app: FastAPI):
    client = Resonate(url=os.environ["RESONATE_URL"], group="post")
    app.state.letters = client.options(target="letters", timeout=timedelta(days=2))
    app.state.parcels = client.options(target="parcels", timeout=timedelta(days=9), version=3)
    app.state.telegrams = client
    yield
    await client.stop()


@router.put("/letters/{number}", status_code=202)
async def letter(number: int, request: Request) -> dict[str, str]:
    letters: Resonate = request.app.state.letters
    return {"id": await letters.rpc(f"letter/{number}", "deliver", number).id()}


@router.put("/parcels/{number}", status_code=202)
async def parcel(number: int, request: Request) -> dict[str, str]:
    parcels: Resonate = request.app.state.parcels
    return {"id": await parcels.rpc(f"parcel/{number}", "deliver", number).id()}


@router.put("/telegrams/{number}", status_code=202)
async def telegram(number: int, request: Request) -> dict[str, str]:
    client: Resonate = request.app.state.telegrams
    quick = client.options(target="wires", timeout=timedelta(minutes=5))
    slow = client.options(target="letters", timeout=timedelta(days=2))
    handle = (quick if number % 2 else slow).rpc(f"telegram/{number}", "deliver", number)
    return {"id": await handle.id()}
