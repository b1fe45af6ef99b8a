"""The API's liveness, readiness and metrics."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from ..outages import Resource
from ..settings import ServiceSettings
from ..telemetry import metrics
from . import draining
from .auth import AuthenticatedRoute, ClientDep
from .openapi import problems
from .problems import Problem, unavailable

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The state of this process."""

    status: Literal["alive", "ready"]


@router.get("/livez")
async def livez() -> Health:
    """The process runs."""
    return Health(status="alive")


@router.get("/readyz", responses=problems((503, "The engine or the database does not answer, or the process stops.")))
async def readyz(client: ClientDep, request: Request) -> Health:
    """The engine answers, within 2 seconds, the database does where queries read it, and the process does not stop."""
    if draining.has_begun():
        raise draining.stopping()
    if (problem := await client.health_problem()) is not None:
        raise unavailable(detail=f"This process does not work: {problem}.")
    reads: Resource | None = request.app.state.reads
    if reads is not None and (problem := await reads.problem()) is not None:
        raise Problem(503, "unavailable", f"This process does not work: {problem}.", headers={"Retry-After": "5"})
    return Health(status="ready")


def metrics_routers(settings: ServiceSettings) -> list[APIRouter]:
    """The router of `/metrics`: for everybody, or for whoever has a key, or none, by SERVE_METRICS."""
    if settings.serve_metrics is False:
        return []
    router = APIRouter() if settings.serve_metrics else APIRouter(route_class=AuthenticatedRoute)

    @router.get("/metrics", include_in_schema=False)
    async def render_metrics(client: ClientDep) -> Response:
        """For Prometheus, which sends a key as `authorization: {credentials: …}`."""
        await client.health_problem()  # It sets the gauge `engine_up`.
        return Response(metrics.render(), headers={"Content-Type": metrics.CONTENT_TYPE})

    return [router]
