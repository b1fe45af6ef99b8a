import time

from resonate.resonate import Resonate
from resonate.types import TaskData, Value
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def start_poll(request: Request) -> JSONResponse:
    resonate: Resonate = request.app.state.resonate
    root = f"poll/{request.path_params['poll']}"
    tags = {
        "resonate:origin": root,
        "resonate:branch": root,
        "resonate:parent": root,
        "resonate:scope": "global",
        "resonate:target": "poll://any@polls",
    }
    task = TaskData(func="run_poll", kwargs={"question": (await request.body()).decode()})
    # One awaited round trip, whose answer is the record: there is no handle to confirm.
    record = await resonate.promises.create(root, int(time.time() * 1000) + 86_400_000, Value(data=task), tags)
    return JSONResponse({"id": record.id, "state": record.state}, status_code=202)


app = Starlette(routes=[Route("/polls/{poll}", start_poll, methods=["PUT"])])
