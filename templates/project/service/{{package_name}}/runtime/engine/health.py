"""A worker's health port: /livez, /readyz and /metrics. The API has them among its routes."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from ..errors import PortTaken
from ..settings import ServiceSettings
from ..telemetry import metrics

logger = logging.getLogger(__name__)


@asynccontextmanager
async def health_server(
    settings: ServiceSettings, health_problem: Callable[[], Awaitable[str | None]], draining: asyncio.Event
) -> AsyncIterator[None]:
    """Answer on HEALTH_PORT, where it is set. ``health_problem`` says what keeps the process from its work, or None.

    Raises:
        PortTaken: the port is in use.
    """
    if settings.health_port is None:
        yield
        return
    host = settings.health_host or settings.host
    runner = web.AppRunner(_application(health_problem, draining), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, settings.health_port).start()
        except OSError as error:
            raise PortTaken(
                f"HEALTH_PORT: cannot listen on {host}:{settings.health_port} ({_reason(error)})",
                "Each process on a machine needs a port of its own, or none.",
            ) from None
        logger.info("health on %s port %s", *runner.addresses[0][:2])
        yield
    finally:
        await runner.cleanup()


def _reason(error: OSError) -> str:
    # asyncio's own words repeat the address.
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)


def _application(health_problem: Callable[[], Awaitable[str | None]], draining: asyncio.Event) -> web.Application:
    async def livez(_: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(_: web.Request) -> web.Response:
        problem = "it drains" if draining.is_set() else await health_problem()
        if problem is not None:
            return web.json_response({"status": "unavailable", "detail": problem}, status=503)
        return web.json_response({"status": "ready"})

    async def render_metrics(_: web.Request) -> web.Response:
        await health_problem()  # It sets the gauge `engine_up`.
        return web.Response(body=metrics.render(), headers={"Content-Type": metrics.CONTENT_TYPE})

    application = web.Application()
    application.add_routes([web.get("/livez", livez), web.get("/readyz", readyz), web.get("/metrics", render_metrics)])
    return application
