from fastapi import FastAPI, Request
from pydantic import BaseModel
from resonate.resonate import Resonate

app = FastAPI()


class Wanted(BaseModel):
    cron: str
    function: str


@app.post("/schedules/{name}", status_code=201)
async def schedule(name: str, wanted: Wanted, request: Request) -> None:
    resonate: Resonate = request.app.state.resonate
    await resonate.options(target="workers").schedule(name, wanted.cron, wanted.function)  # want: RS413
