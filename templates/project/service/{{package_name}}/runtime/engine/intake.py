"""Whether a worker takes work: not while something that its functions need is away."""

from collections.abc import Sequence
from typing import Any

from ..outages import PATIENCE, Resource
from ..telemetry import metrics
from .client import EngineClient
from .connections import ReconnectingSSE
from .offers import WorkerResonate
from .postgres import ResilientPostgres


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
