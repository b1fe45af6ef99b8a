from fastapi import FastAPI, Request, UploadFile
from resonate.context import Context
from resonate.resonate import Resonate

app = FastAPI()


@app.post("/orders/{order}", status_code=202)
async def place(order: str, request: Request, file: UploadFile) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    body = (await request.body()).decode()
    headers = {"user-agent": request.headers.get("user-agent", "")}
    handle = resonate.options(target="workers").rpc(f"order/{order}", "place", body, headers, file.filename)
    return {"id": await handle.id()}


async def first_rows(rows: list[dict[str, int]]) -> list[dict[str, int]]:
    return rows[:1]


async def cached(ctx: Context, key: str) -> str | None:
    return {"a": "b"}.get(key)
