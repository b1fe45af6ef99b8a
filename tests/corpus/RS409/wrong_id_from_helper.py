# file: lab/__init__.py
# file: lab/ids.py
import uuid


def fresh(kind: str) -> str:
    return f"{kind}/{uuid.uuid4()}"


# file: lab/routes.py
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from resonate.resonate import Resonate

from . import ids

router = APIRouter(prefix="/simulations")


class Simulation(BaseModel):
    particles: int
    steps: int


class Queued(BaseModel):
    particles: int
    state: str = "queued"


def engine(request: Request) -> Resonate:
    return request.app.state.resonate


@router.post("", status_code=202)
async def simulate(wanted: Simulation, resonate: Annotated[Resonate, Depends(engine)]) -> Queued:
    root = ids.fresh("simulation")
    cluster = resonate.options(target="cluster", timeout=timedelta(days=1))
    handle = cluster.rpc(root, "simulate", wanted.particles, wanted.steps)  # want: RS409
    await handle.id()
    return Queued(particles=wanted.particles)
