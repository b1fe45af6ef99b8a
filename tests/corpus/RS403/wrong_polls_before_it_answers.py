import asyncio

from fastapi import FastAPI, Request
from resonate.resonate import Resonate

app = FastAPI()


@app.post("/payments/{payment}")
async def pay(payment: str, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    await resonate.options(target="bank").rpc(f"payment/{payment}", "pay", payment).id()
    state = "pending"
    while state == "pending":  # want: RS403
        record = await resonate.promises.get(f"payment/{payment}")
        state = record.state
        await asyncio.sleep(0.2)
    return {"state": state}
