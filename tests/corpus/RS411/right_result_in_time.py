from asyncio import timeout
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request, Response
from resonate.resonate import Resonate

router = APIRouter()


@router.post("/words/{word}/definition")
async def define(word: str, request: Request, response: Response) -> dict[str, Any]:
    resonate: Resonate = request.app.state.resonate
    books = resonate.options(target="books", timeout=timedelta(minutes=3))
    handle = books.rpc(f"word/{word}", "define", word)
    waiting = handle.result()
    try:
        async with timeout(5):
            return {"definition": await waiting}
    except TimeoutError:
        response.status_code = 202
        return {"definition": None, "id": await handle.id()}
