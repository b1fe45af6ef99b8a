from fastapi import FastAPI, Request
from resonate.resonate import Resonate

app = FastAPI()


@app.post("/hello/{name}", status_code=202)
async def hello(name: str, request: Request) -> dict[str, str]:
    """What the request names is an argument."""
    resonate: Resonate = request.app.state.resonate
    handle = resonate.options(target="workers").rpc(f"hello/{name}", "hello", name)
    return {"id": await handle.id()}
