import os
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI
from pydantic import BaseModel
from resonate.resonate import Resonate


@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.resonate = Resonate(url=os.environ["RESONATE_URL"], group="album-api")
    yield
    await app.state.resonate.stop()


app = FastAPI(lifespan=lifespan)


class Album(BaseModel):
    name: str
    photos: list[int]


@app.post("/albums", status_code=202)
async def develop(album: Album) -> dict[str, list[str]]:
    started: list[str] = []
    lab = app.state.resonate.options(target="lab", timeout=timedelta(hours=6))
    for photo in album.photos:
        id = f"album/{album.name}/{photo}"
        lab.rpc(id, "develop_photo", photo)  # want: RS411
        started.append(id)
    return {"started": started}
