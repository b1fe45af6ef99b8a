from fastapi import BackgroundTasks, FastAPI, Request
from resonate.resonate import Resonate

app = FastAPI()


@app.post("/exports/{export}", status_code=202)
async def export(export: str, request: Request, background_tasks: BackgroundTasks) -> dict[str, str]:
    client: Resonate = request.app.state.resonate
    background_tasks.add_task(client.rpc, f"export/{export}", "export", export)  # want: RS411
    return {"id": f"export/{export}"}
