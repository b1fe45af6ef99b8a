"""The API's liveness, readiness and metrics."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from ..telemetry import metrics
from . import draining
from .auth import ClientDep
from .openapi import problems
from .problems import unavailable

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The state of this process."""

    status: Literal["alive", "ready"]


@router.get("/livez")
async def livez() -> Health:
    """The process runs."""
    return Health(status="alive")


@router.get("/readyz", responses=problems((503, "The engine does not answer, or the process stops.")))
async def readyz(client: ClientDep) -> Health:
    """The engine answers, within 2 seconds, and the process does not stop."""
    if draining.has_begun():
        raise draining.stopping()
    if await client.health_problem() is not None:
        raise unavailable()
    return Health(status="ready")


@router.get("/metrics", include_in_schema=False)
async def render_metrics(client: ClientDep) -> Response:
    """For Prometheus. It asks for no API key: let a proxy keep it inside."""
    await client.health_problem()  # It sets the gauge `engine_up`.
    return Response(metrics.render(), headers={"Content-Type": metrics.CONTENT_TYPE})
