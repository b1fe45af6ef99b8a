"""`orders dev`: the whole service in one process, with the engine inside.

One client registers the functions of every group, because an in-process engine hands every message to every client.
Nothing survives a stop or a reload: jobs live in this process's memory.
"""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI
from resonate.connections import LocalConnection

from . import logs
from .api.app import create_app
from .db import worker as db
from .db.database import Database, migrate
from .engine import Engine, connect
from .fakes import worker as fakes
from .rpc import Served
from .settings import Settings
from .workflows import worker as workers
from .workflows.schedules import SCHEDULES

logger = logging.getLogger(__name__)

SERVED = [
    *workers.SERVED,
    *db.SERVED,
    *fakes.SERVED,
]


def build(settings: Settings, *, tick: float = 1.0, extra: Sequence[Served] = ()) -> FastAPI:
    """The application with engine and workers inside.

    ``tick``: seconds between the engine's looks at the clock. ``extra``: what a test serves besides SERVED.
    """
    database = Database(settings.database_url)

    def connect_all(settings: Settings) -> Engine:
        local = LocalConnection(group="dev", tick_interval=tick)
        return connect(settings, "dev", served=[*SERVED, *extra], dependencies=[database], local=local)

    app = create_app(settings, connect_all)
    serve = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with database, serve(app):
            yield

    app.router.lifespan_context = lifespan
    return app


def application() -> FastAPI:
    """What the reloading server imports."""
    settings = Settings()
    logs.configure(settings)
    migrate(settings.database_url)
    logger.warning("engine in process, for development: jobs do not survive a stop or a reload")
    if SCHEDULES:
        names = ", ".join(schedule.name for schedule in SCHEDULES)
        logger.warning("the engine in process starts nothing by the clock: no runs of %s", names)
    return build(settings)
