import random

from fastapi import FastAPI, Request
from resonate.resonate import Resonate

app = FastAPI()


@app.post("/tickets", status_code=202)
async def ticket(text: str, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    number = random.randint(100_000, 999_999)
    handle = resonate.options(target="desk").rpc(f"ticket/{number}", "open_ticket", text)  # want: RS414
    return {"id": await handle.id(), "number": str(number)}
