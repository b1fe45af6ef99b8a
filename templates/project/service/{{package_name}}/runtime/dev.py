"""The whole service in one process, with the engine inside: for `dev`, `record` and the tests.

One client registers the functions of every group, because an in-process engine hands every message to every client.
Nothing survives a stop or a reload: jobs live in this process's memory.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from fastapi import FastAPI
from resonate.connections import LocalConnection

from .database import migrate, seed
from .durable.rpc import Registration
from .engine.client import EngineClient, build
from .engine.watch import watch_work
from .engine.worker import pause_in_outages, register, resources_of, stop
from .service import Service, functions_of
from .settings import ServiceSettings, required
from .telemetry import logs, tracing

logger = logging.getLogger(__name__)

GROUP = "dev"
"""The group of a process that runs all groups."""


def registrations(service: Service) -> list[Registration]:
    """Everything that such a process serves: all groups, and the stand-ins."""
    return [*(entry for worker in service.workers() for entry in worker.served), *service.stand_ins()]


def create_app(
    service: Service,
    settings: ServiceSettings,
    *,
    tick: float = 1.0,
    extra: Sequence[Registration] = (),
    with_console: bool = False,
) -> FastAPI:
    """The HTTP application with engine and workers inside.

    ``tick``: seconds between the engine's looks at the clock. ``extra``: what a test serves besides.
    ``with_console``: serve that, too, on CONSOLE_PORT.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        local = LocalConnection(group=GROUP, tick_interval=tick)
        async with service.dependencies(settings, service.workers()) as dependencies:
            tracing.start(f"{service.name}-{GROUP}")
            client = build(settings, service.namespace(settings), GROUP, listens=True, waits=True, local=local)
            upkeep = [it for worker in service.workers() for it in service.upkeep(settings, worker)][:1]
            register(client, functions_of([*registrations(service), *upkeep, *extra]), dependencies)
            resources = resources_of(dependencies)
            pause_in_outages(client, resources)
            client.resonate.start()
            app.state.client = client
            watching = asyncio.create_task(watch_work(client))
            try:
                async with (
                    service.reads(settings) as app.state.reads,
                    _console(service, settings, client, with_console),
                ):
                    yield
            finally:
                watching.cancel()
                await stop(client, settings.shutdown_grace, resources)

    return service.create_app(settings, lifespan)


def _console(
    service: Service, settings: ServiceSettings, client: EngineClient, is_wanted: bool
) -> AbstractAsyncContextManager[None]:
    if not is_wanted:
        return nullcontext()
    from .console.server import console_beside

    return console_beside(service, settings, client)


def application(service: Service) -> FastAPI:
    """The application of the command `dev`: on a database that is migrated and has the rows of `db/seed.py`."""
    settings = service.settings(use_fakes=True)
    logs.configure(settings.log_level, settings.log_format)
    url = required(settings.database_url, "DATABASE_URL")
    migrate(url, service.migrations)
    seed(url, service.package)
    logger.warning("engine in process, for development: jobs do not survive a stop or a reload")
    if names := ", ".join(schedule.name for schedule in service.schedules(settings)):
        logger.warning("the engine in process starts nothing by the clock: no runs of %s", names)
    return create_app(service, settings, with_console=True)
