"""Liveness, readiness and metrics."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from ... import metrics
from ..dependencies import EngineDep
from ..openapi import problems
from ..problems import unavailable

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The process as it sees itself."""

    status: Literal["alive", "ready"]


@router.get("/livez")
async def livez() -> Health:
    """The process runs."""
    return Health(status="alive")


@router.get("/readyz", responses=problems((503, "The engine does not answer.")))
async def readyz(engine: EngineDep) -> Health:
    """The engine answers, within 2 seconds."""
    if await engine.trouble() is not None:
        raise unavailable()
    return Health(status="ready")


@router.get("/metrics", include_in_schema=False)
async def exposition(engine: EngineDep) -> Response:
    """For Prometheus. It asks for no API key: let a proxy keep it inside."""
    await engine.trouble()  # It tells the metrics, too.
    return Response(metrics.exposition(), headers={"Content-Type": metrics.CONTENT_TYPE})
