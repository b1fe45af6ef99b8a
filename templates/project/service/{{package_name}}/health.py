"""A worker's health port: /livez, /readyz and /metrics, for whoever runs it. The API has them among its routes."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import click
from aiohttp import web

from . import metrics
from .settings import Settings

logger = logging.getLogger(__name__)


class HealthPortTaken(click.ClickException):
    """The health port cannot be opened: the command ends with what to do."""


@asynccontextmanager
async def listening(
    settings: Settings, trouble: Callable[[], Awaitable[str | None]], draining: asyncio.Event
) -> AsyncIterator[None]:
    """Answer on HEALTH_PORT, where it is set. ``trouble`` says what keeps the process from its work, or None."""
    if settings.health_port is None:
        yield
        return
    host = settings.health_host or settings.host
    runner = web.AppRunner(_application(trouble, draining), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, settings.health_port).start()
        except OSError as error:
            reason = f"HEALTH_PORT: cannot listen on {host}:{settings.health_port} ({_reason(error)})"
            raise HealthPortTaken(f"{reason}\nEach process on a machine needs a port of its own, or none") from None
        logger.info("health on %s port %s", *runner.addresses[0][:2])
        yield
    finally:
        await runner.cleanup()


def _reason(error: OSError) -> str:
    # asyncio's own words repeat the address.
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)


def _application(trouble: Callable[[], Awaitable[str | None]], draining: asyncio.Event) -> web.Application:
    async def livez(_: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(_: web.Request) -> web.Response:
        found = "it drains" if draining.is_set() else await trouble()
        if found is not None:
            return web.json_response({"status": "unavailable", "detail": found}, status=503)
        return web.json_response({"status": "ready"})

    async def exposition(_: web.Request) -> web.Response:
        await trouble()  # It tells the metrics, too.
        return web.Response(body=metrics.exposition(), headers={"Content-Type": metrics.CONTENT_TYPE})

    application = web.Application()
    application.add_routes([web.get("/livez", livez), web.get("/readyz", readyz), web.get("/metrics", exposition)])
    return application
