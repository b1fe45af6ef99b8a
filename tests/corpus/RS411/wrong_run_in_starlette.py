from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def compact(ctx: Context, volume: str) -> str:
    await ctx.sleep(timedelta(seconds=30))
    return volume


def build(url: str) -> Starlette:
    app = Starlette(routes=[Route("/volumes/{volume}/compaction", start_compaction, methods=["POST"])])
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    app.state.resonate = Resonate(url=url, group="volumes", retry_policy=policy)
    app.state.resonate.register(compact)
    return app


async def start_compaction(request: Request) -> JSONResponse:
    resonate: Resonate = request.app.state.resonate
    volume = request.path_params["volume"]
    _ = resonate.options(timeout=timedelta(hours=1)).run(f"compaction/{volume}", compact, volume)  # want: RS411
    return JSONResponse({"volume": volume}, status_code=202)
