"""Who serves which group: each worker writes it down once a minute, and whoever asks reads that.

No engine tells who is connected, and a token with a prefix may not search. So a worker makes a promise
``presence/<group>/<minute>/<n>``, with the first ``n`` that is free. It has timed out when it is made: it waits for
nobody, and is removed with other promises that have ended. A reader gets those of this minute and of the one before, by
their ids.
"""

import asyncio
import logging
import os
import random
import socket
from collections.abc import Iterable, Sequence
from datetime import datetime

from pydantic import AwareDatetime, BaseModel
from resonate.connections import LocalConnection
from resonate.error import ServerError

from ..errors import EngineUnavailable
from .client import EngineClient
from .offers import WorkerResonate
from .run_tags import EXTERNAL
from .runs import moment

logger = logging.getLogger(__name__)

PERIOD = 60.0
"""Seconds between two notes of a worker."""

MOST_NOTED = 200
"""Workers of a group that are noted in one minute; what comes on top is not seen."""

_MINUTE = 60_000
_API = "api"


class Worker(BaseModel):
    """A process that serves a group: ``since`` when, of how many ``places`` it has how many runs ``in_hand``.

    ``process`` is its host and process id. It may have ended up to two minutes ago: ``seen_at`` is when it said so.
    """

    group: str
    process: str
    since: AwareDatetime
    in_hand: int
    places: int
    seen_at: AwareDatetime


async def report_presence(client: EngineClient) -> None:
    """Note once a minute that this process serves its group, until canceled. An engine that is away is said elsewhere."""
    if isinstance(client.network, LocalConnection) or not isinstance(client.resonate, WorkerResonate):
        return
    process, since = f"{socket.gethostname()}/{os.getpid()}", moment(client.clock.now_ms())
    group = client.namespace.group(client.group)
    while True:
        try:
            await _note(client, Worker(**_now(client, client.resonate), group=group, process=process, since=since))
        except EngineUnavailable:
            await asyncio.sleep(PERIOD / 12)
            continue
        except ServerError as error:
            logger.warning(
                "nobody can see that this process serves its group: the engine refuses to note it: %s", error
            )
            return
        # Once in each minute of the engine's clock, and not all workers at its beginning.
        left = PERIOD - client.clock.now_ms() / 1000 % PERIOD
        await asyncio.sleep(left + random.uniform(0, PERIOD / 4))


async def list_workers(client: EngineClient, groups: Iterable[str] | None = None) -> list[Worker]:
    """The processes that serve these groups, as the engine knows them; without ``groups``, those of this service.

    Raises:
        EngineUnavailable: the engine does not answer.
    """
    if groups is None:
        groups = [client.namespace.group(group) for group in sorted(client.namespace.groups) if group != _API]
    groups = list(dict.fromkeys(groups))
    if isinstance(client.network, LocalConnection):
        return _in_this_process(client, groups)
    return [worker for group in groups for worker in await _of_group(client, group) or []]


async def is_served(client: EngineClient, group: str) -> bool | None:
    """Whether a process has served a group, as the engine knows it, in the last two minutes; None where that cannot be told.

    That of another service can be told where it runs on this runtime, and the token of this process covers its ids.
    """
    if isinstance(client.network, LocalConnection):
        return True  # It hands every call to every client.
    workers = await _of_group(client, group)
    return None if workers is None else bool(workers)


def _now(client: EngineClient, resonate: WorkerResonate) -> dict[str, int | datetime]:
    places = resonate.places
    return {"in_hand": places.in_use, "places": places.most, "seen_at": moment(client.clock.now_ms())}


def _in_this_process(client: EngineClient, groups: Sequence[str]) -> list[Worker]:
    if not isinstance(client.resonate, WorkerResonate):
        return []
    since = moment(client.clock.now_ms() - int(client.resonate.age * 1000))
    beside = {**_now(client, client.resonate), "process": f"{socket.gethostname()}/{os.getpid()}", "since": since}
    return [Worker(group=group, **beside) for group in groups]


async def _note(client: EngineClient, worker: Worker) -> None:
    """Make the first promise of this minute that is free."""
    minute = client.clock.now_ms() // _MINUTE
    kept = worker.model_dump(mode="json")
    for number in range(MOST_NOTED):
        promise = _id(worker.group, minute, number)
        # Where this machine's clock is ahead, it is pending for a moment.
        found = await client.create(promise, kept, minute * _MINUTE, EXTERNAL)
        if isinstance(found.param.data, dict) and found.param.data.get("process") == worker.process:
            return


async def _of_group(client: EngineClient, group: str) -> list[Worker] | None:
    """Those that have noted that they serve a group; None where it is another service's, which noted nothing that is seen here."""
    spaces = [client.namespace.name]
    # A stand-in notes it among the promises of its own service.
    other = group.partition(".")[0] if "." in group else ""
    is_foreign = other != client.namespace.name
    if is_foreign:
        spaces.append(other)
    found: dict[str, Worker] = {}
    minute = client.clock.now_ms() // _MINUTE
    for space in spaces:
        for at in (minute, minute - 1):
            for number in range(MOST_NOTED):
                worker = await _read(client, f"{space}/" if space else "", _id(group, at, number))
                if worker is None:
                    break
                found.setdefault(worker.process, worker)
    if not found and is_foreign:
        return None
    return sorted(found.values(), key=lambda worker: (worker.since, worker.process))


async def _read(client: EngineClient, prefix: str, promise: str) -> Worker | None:
    try:
        record = await client.find_on_engine(prefix + promise)
    except (EngineUnavailable, ServerError):
        if prefix == client.namespace.engine_id(""):
            raise
        return None  # This process's token does not cover it.
    return None if record is None else Worker.model_validate(record.param.data)


def _id(group: str, minute: int, number: int) -> str:
    return f"presence/{group}/{minute}/{number}"
