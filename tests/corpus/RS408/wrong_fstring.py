from datetime import timedelta

from fastapi import APIRouter, Request
from resonate.resonate import Resonate

router = APIRouter()


@router.post("/podcasts/{podcast}/episodes/{episode}/encoding", status_code=202)
async def encode(podcast: str, episode: int, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    audio = resonate.options(target="audio", timeout=timedelta(hours=2))
    handle = audio.rpc(f"encode:{podcast}/{episode}", "encode_episode", podcast, episode)  # want: RS408
    return {"id": await handle.id()}
