from contextvars import Context, copy_context
from datetime import timedelta

from resonate.resonate import Resonate
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


def render(kind: str, id: str) -> str:
    return f"/{kind}/{id}"


async def start_audit(request: Request) -> Response:
    ctx: Context = copy_context()
    resonate: Resonate = request.app.state.resonate
    site = request.path_params["site"]
    handle = resonate.options(target="audits", timeout=timedelta(hours=1)).rpc(f"audit/{site}", "audit_site", site)
    location = ctx.run(render, "audits", await handle.id())
    return JSONResponse({"audit": location}, status_code=202, headers={"Location": location})


app = Starlette(routes=[Route("/sites/{site}/audit", start_audit, methods=["POST"])])
