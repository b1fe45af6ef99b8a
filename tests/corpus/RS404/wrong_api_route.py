from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never

router = APIRouter()


async def reindex(ctx: Context, shop: str) -> int:
    return len(shop)


def connect(url: str) -> Resonate:
    resonate = Resonate(url=url, group="search", retry_policy=Never())
    resonate.register(reindex, name="reindex")
    return resonate


def client(request: Request) -> Resonate:
    return request.app.state.resonate


@router.api_route("/shops/{shop}/index", methods=["PUT", "PATCH"])
async def refresh(shop: str, resonate: Annotated[Resonate, Depends(client)]) -> JSONResponse:  # want: RS404
    handle = resonate.options(target="search", timeout=timedelta(hours=1)).rpc(f"index/{shop}", reindex, shop)
    return JSONResponse({"index": await handle.id()}, status_code=200)
