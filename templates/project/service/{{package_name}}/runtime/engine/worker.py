"""Worker processes: serve a group until told to stop, then drain; take no work while what functions need is away."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Any

from resonate.retry import Never

from ..errors import OperatorError
from ..outages import PATIENCE, Resource
from ..settings import ServiceSettings
from ..systems import call_on_stop_signals
from ..telemetry import metrics, tracing
from . import systemd
from .client import EngineClient, dependencies_of
from .connections import ReconnectingSSE
from .health import health_server
from .offers import WorkerResonate
from .postgres import ResilientPostgres

logger = logging.getLogger(__name__)

type BackgroundTask = Callable[[EngineClient], Awaitable[None]]
"""Runs while a worker serves, and is canceled when it drains."""


@dataclass(frozen=True, slots=True, eq=False)
class DurableFunction:
    """A function as a worker registers it. ``run`` takes and returns JSON, and is not tried again by the SDK."""

    name: str
    version: int
    run: Callable[..., Awaitable[Any]]


def register(client: EngineClient, functions: Sequence[DurableFunction], dependencies: Sequence[Any]) -> None:
    """Register what a client serves, and what durable functions ask for by its exact type. Before it starts."""
    for function in functions:
        client.resonate.register(function.run, name=function.name, version=function.version, retry_policy=Never())
    for dependency in (*dependencies_of(client), *dependencies):
        client.resonate.with_dependency(dependency)


async def serve_group(
    settings: ServiceSettings,
    client: EngineClient,
    functions: Sequence[DurableFunction],
    dependencies: Sequence[Any] = (),
    background_tasks: Sequence[tuple[str, BackgroundTask]] = (),
) -> None:
    """Serve until SIGTERM or SIGINT, then finish what runs within SHUTDOWN_GRACE.

    ``background_tasks`` are (name, function) pairs; what one raises is logged.
    """
    stopping = asyncio.Event()
    call_on_stop_signals(stopping.set)
    register(client, functions, dependencies)
    resources = resources_of(dependencies)
    pause_in_outages(client, resources)
    client.resonate.start()
    group = client.namespace.group(client.group)
    health_problem = partial(problem_of, client, resources)
    try:
        async with health_server(settings, health_problem, stopping), systemd.kept_informed(health_problem):
            logger.info("group %s serves %s", group, ", ".join(sorted({f.name for f in functions})) or "nothing yet")
            running = [asyncio.create_task(_logged(name, task(client))) for name, task in background_tasks]
            systemd.tell(systemd.READY)
            await stopping.wait()
            systemd.tell(systemd.STOPPING)
            logger.info("group %s drains", group)
            for task in running:
                task.cancel()
            await stop(client, settings.shutdown_grace, resources)
    except OperatorError:
        await stop(client, timedelta(0))
        raise


async def stop(client: EngineClient, grace: timedelta, resources: Sequence[Resource] = ()) -> None:
    """Take no more work, let what runs finish within ``grace``, then close.

    Runs that wait for one of ``resources`` are handed back at once. What still waits for an answer of one at the end,
    waits no longer.

    `Resonate.stop` alone closes the network first, and a step in flight loses its result.
    """
    deadline = monotonic() + grace.total_seconds()
    worker = client.resonate if isinstance(client.resonate, WorkerResonate) else None
    if worker:
        worker.offers.close()
    for resource in resources:
        resource.hand_back()
    if isinstance(client.source, ReconnectingSSE):
        await client.source.stop()
    elif isinstance(client.source, ResilientPostgres):
        await client.source.stop_listening()
    if worker:
        worker.places.close()
    # The SDK has no public way to wait for running tasks; the minor version is pinned for this line.
    while (running := set(client.resonate._runtime.bg_tasks)) and (left := deadline - monotonic()) > 0:
        await asyncio.wait(running, timeout=left)
    if resources and (running := set(client.resonate._runtime.bg_tasks)):
        for resource in resources:
            resource.abort()
        await asyncio.wait(running, timeout=1)  # They are handed back.
    if worker:
        await worker.suspects.close()
    try:
        await asyncio.wait_for(client.resonate.stop(), timeout=max(deadline - monotonic(), 1))
    except TimeoutError:
        logger.warning("stopped with work in flight: another worker takes it up when its lease ends")
    # A collector that is away may not delay a stop.
    await tracing.stop(min(max(deadline - monotonic(), 1), 3))


def resources_of(dependencies: Sequence[Any]) -> list[Resource]:
    """Those of the dependencies that may be away."""
    return [dependency for dependency in dependencies if isinstance(dependency, Resource)]


def pause_in_outages(client: EngineClient, resources: Sequence[Resource]) -> None:
    """Take no work while one of these is away, and hand back what waits for it: other processes may reach it.

    An engine in this process has no others: there a run waits where it is.
    """
    away: set[str] = set()
    source = client.source

    for resource in resources:

        async def changed(is_away: bool, name: str = resource.name) -> None:
            metrics.RESOURCE_UP.labels(name).set(not is_away)
            (away.add if is_away else away.discard)(name)
            if not isinstance(source, ReconnectingSSE | ResilientPostgres):
                return
            if isinstance(client.resonate, WorkerResonate):
                client.resonate.offers.pause(bool(away))
            if away:
                await source.pause()
            else:
                source.resume()

        metrics.RESOURCE_UP.labels(resource.name).set(1)
        resource.on_change = changed
        if isinstance(source, ReconnectingSSE | ResilientPostgres):
            resource.patience = PATIENCE


async def problem_of(client: EngineClient, resources: Sequence[Resource]) -> str | None:
    """What keeps a worker from its work, or None."""
    for resource in resources:
        if (problem := await resource.problem()) is not None:
            return problem
    return await client.health_problem()


async def _logged(name: str, work: Awaitable[None]) -> None:
    try:
        await work
    except Exception:
        logger.exception("background task failed: %s", name)
