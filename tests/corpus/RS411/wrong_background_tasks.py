from fastapi import BackgroundTasks, FastAPI, Request
from resonate.resonate import Resonate

app = FastAPI()


async def start(resonate: Resonate, order: str) -> None:
    await resonate.options(target="workers").rpc(f"order/{order}", "place", order).id()


@app.post("/orders/{order}", status_code=202)
async def place(order: str, request: Request, tasks: BackgroundTasks) -> dict[str, str]:
    tasks.add_task(start, request.app.state.resonate, order)  # want: RS411
    return {"id": f"order/{order}"}
