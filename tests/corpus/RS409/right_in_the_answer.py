import uuid
from datetime import timedelta

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from resonate.resonate import Resonate

router = APIRouter()


class Accepted(BaseModel):
    job: str
    links: dict[str, str]


def accepted(job: str) -> Accepted:
    return Accepted(job=job, links={"self": f"/maps/{job}"})


@router.post("/maps", status_code=202)
async def draw_map(region: str, request: Request) -> Accepted:
    resonate: Resonate = request.app.state.resonate
    job = str(uuid.uuid4())
    maps = resonate.options(target="maps", timeout=timedelta(hours=1))
    await maps.rpc(f"map/{job}", "draw_map", region).id()
    return accepted(job)


@router.post("/legends", status_code=202)
async def draw_legend(region: str, request: Request, response: Response) -> None:
    resonate: Resonate = request.app.state.resonate
    job = uuid.uuid4().hex
    maps = resonate.options(target="maps", timeout=timedelta(hours=1))
    await maps.rpc(f"legend/{job}", "draw_legend", region).id()
    response.headers["Location"] = f"/legends/{job}"
