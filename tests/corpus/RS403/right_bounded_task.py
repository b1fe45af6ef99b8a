import asyncio
from datetime import timedelta

from resonate.resonate import Resonate
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def classify(request: Request) -> JSONResponse:
    resonate: Resonate = request.app.state.resonate
    image = request.path_params["image"]
    vision = resonate.options(target="vision", timeout=timedelta(minutes=15))
    handle = vision.rpc(f"label/{image}", "label_image", image)
    waiting = asyncio.create_task(handle.result())
    done, _ = await asyncio.wait([waiting], timeout=4)
    if waiting not in done:
        waiting.cancel()
        return JSONResponse({"image": await handle.id()}, status_code=202)
    return JSONResponse({"image": image, "label": waiting.result()})


app = Starlette(routes=[Route("/images/{image}/label", classify, methods=["POST"])])
