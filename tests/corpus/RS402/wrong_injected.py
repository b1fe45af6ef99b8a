from typing import Annotated

from fastapi import APIRouter, Depends, Request
from resonate import context

router = APIRouter(prefix="/parcels")


def current(request: Request) -> context.Context:
    return request.app.state.durable


@router.get("/{parcel}/route")
async def route_of(parcel: str, ctx: Annotated[context.Context, Depends(current)]) -> list[str]:  # want: RS402
    return await ctx.rpc("plan_route", parcel)
