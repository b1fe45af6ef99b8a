import asyncio
from datetime import timedelta

from fastapi import APIRouter, Request
from pydantic import BaseModel
from resonate.resonate import Resonate

router = APIRouter()


class Search(BaseModel):
    key: str
    words: str


@router.post("/search")
async def search(body: Search, request: Request) -> dict[str, list[str]]:
    resonate: Resonate = request.app.state.resonate
    web = resonate.options(target="web", timeout=timedelta(minutes=1)).rpc(f"web/{body.key}", "find", body.words)
    news = resonate.options(target="news", timeout=timedelta(minutes=1)).rpc(f"news/{body.key}", "find", body.words)
    pages, articles = await asyncio.gather(
        web.result(),  # want: RS403
        news.result(),  # want: RS403
    )
    return {"pages": pages, "articles": articles}
