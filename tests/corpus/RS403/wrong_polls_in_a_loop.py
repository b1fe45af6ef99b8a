import asyncio

from fastapi import FastAPI, HTTPException, Request
from resonate.resonate import Resonate

app = FastAPI()


@app.get("/reports/{report}/result")
async def result(report: str, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    while True:  # want: RS403
        record = await resonate.promises.get(f"report/{report}")
        if record.state == "resolved":
            return {"report": report}
        if record.state != "pending":
            raise HTTPException(500)
        await asyncio.sleep(0.5)
