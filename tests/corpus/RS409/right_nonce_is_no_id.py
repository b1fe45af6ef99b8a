import secrets
import time

from resonate.resonate import Resonate
from resonate.types import TaskData, Value
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def publish(request: Request) -> JSONResponse:
    resonate: Resonate = request.app.state.resonate
    post = request.path_params["post"]
    root, nonce = f"post/{post}", secrets.token_hex(16)
    tags = {
        "resonate:origin": root,
        "resonate:branch": root,
        "resonate:parent": root,
        "resonate:scope": "global",
        "resonate:target": "poll://any@editors",
        "http:nonce": nonce,
    }
    data = Value(data=TaskData(func="publish", args=(post,)))
    record = await resonate.promises.create(root, int(time.time() * 1000) + 3_600_000, data, tags)
    replayed = record.tags.get("http:nonce") != nonce
    return JSONResponse({"replayed": replayed, "state": record.state}, status_code=202)


app = Starlette(routes=[Route("/posts/{post}/publish", publish, methods=["POST"])])
