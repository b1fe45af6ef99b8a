from datetime import timedelta
from http import HTTPStatus

from fastapi import APIRouter, Request
from pydantic import BaseModel
from resonate.resonate import Resonate

router = APIRouter(prefix="/mosaics")


class Tile(BaseModel):
    name: str
    images: list[str]


@router.post("", status_code=HTTPStatus.ACCEPTED)
async def compose(tile: Tile, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    art = resonate.options(target="art", timeout=timedelta(hours=2))
    return {"mosaic": await art.rpc(f"mosaic/{tile.name}", "compose_mosaic", tile.images).id()}
