"""Liveness and readiness."""

import asyncio
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from ...engine import EngineUnavailable
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
    try:
        async with asyncio.timeout(2):
            await engine.check()
    except (TimeoutError, EngineUnavailable):
        raise unavailable() from None
    return Health(status="ready")
