import random
import secrets

from fastapi import FastAPI, Request
from resonate.resonate import Resonate

app = FastAPI()


@app.post("/tickets", status_code=202)
async def ticket(text: str, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    handle = resonate.options(target="desk").rpc(f"ticket/{secrets.token_hex(8)}", "open_ticket", text)
    return {"id": await handle.id()}


@app.post("/letters", status_code=202)
async def letter(text: str, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    work = f"letter/{random.randrange(10**18)}"
    return {"id": await resonate.options(target="desk").rpc(work, "letter", text).id()}
