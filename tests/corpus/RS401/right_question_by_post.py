from datetime import timedelta
from pathlib import Path

import httpx
from fastapi import APIRouter, HTTPException, Request
from resonate.context import Context
from resonate.resonate import Resonate

router = APIRouter(prefix="/petitions")


async def wording(ctx: Context | None, text: str) -> str:
    """Also for where there is no workflow."""
    return text.strip() if ctx is None else text.strip() + "\n\nsent by a workflow"


@router.post("/{petition}/signatures", status_code=202)
async def sign(petition: int, answer: str, request: Request) -> dict[str, str]:
    # A POST that only asks, and a file that is only read.
    async with httpx.AsyncClient(timeout=3) as http:
        verdict = await http.post("https://captcha.example.com/siteverify", data={"response": answer})
    if not verdict.json()["success"]:
        raise HTTPException(422)
    letter = await wording(None, Path("letter.txt").read_text())
    resonate: Resonate = request.app.state.resonate
    mail = resonate.options(target="mail", timeout=timedelta(days=1))
    return {"id": await mail.rpc(f"petition/{petition}/{answer}", "send", letter).id()}
