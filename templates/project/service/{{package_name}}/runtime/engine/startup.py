"""What a process says about its engine when it starts: a token that is refused, a database that is not ready, slow delivery."""

import asyncio
import logging
from contextlib import suppress
from time import monotonic
from typing import Any
from uuid import uuid4

from resonate.error import ConnectorError, ServerError

from ..errors import EngineRefused, EngineUnavailable
from .client import EngineClient
from .connections import ReconnectingSSE
from .offers import WorkerResonate
from .postgres import ResilientPostgres

logger = logging.getLogger(__name__)

SLOW = 0.25
"""Seconds from the creation of a call to its arrival here from which on it is logged."""

PAUSE = 1.0
"""Seconds between two looks at an engine that does not answer."""

_TRIES = 3
_TIMEOUT = 5.0


async def examine(client: EngineClient) -> None:
    """Say once what is wrong with the engine. One that is away is waited for."""
    if not isinstance(client.network, ResilientPostgres) and not isinstance(client.source, ReconnectingSSE | None):
        return  # It is in this process.
    said = False
    while (refusal := await client.refusal()) is not None:
        if isinstance(refusal, EngineRefused) and not said:
            logger.error("%s", refusal)
            said = True
        await asyncio.sleep(PAUSE)
    with suppress(ConnectorError):  # It went away again, which is said elsewhere.
        if isinstance(client.network, ResilientPostgres) and not await client.network.is_prepared():
            logger.warning(
                "the engine's database lacks an index, for what is due or for lists of runs: run the command `engine prepare`"
            )
    if client.source is not None and isinstance(client.resonate, WorkerResonate):
        await _check_delivery(client, client.resonate)


async def _check_delivery(client: EngineClient, worker: WorkerResonate) -> None:
    """Measure the way of a call to this process: the best of some, since the first pays for connections."""
    source: Any = client.source
    while not source.connected:
        await asyncio.sleep(0.05)
    quickest = float("inf")
    for _ in range(_TRIES):
        quickest = min(quickest, await delivery_time(client, worker))
        if quickest <= SLOW:
            return
    if quickest == float("inf"):
        logger.warning("what the engine sends to this process alone has not arrived within %.0f s", _TIMEOUT)
        return
    look_at = (
        "is there a pooler in transaction mode in front of Postgres?"
        if isinstance(client.network, ResilientPostgres)
        else "the server's RESONATE_MESSAGES__POLL_INTERVAL is what to look at"
    )
    logger.warning("a call takes %.0f ms through the engine to this worker: %s", quickest * 1000, look_at)


async def delivery_time(client: EngineClient, worker: WorkerResonate) -> float:
    """Seconds from the creation of a call to its arrival here; infinite where it does not arrive."""
    probe = f"probe/delivery-{uuid4().hex}"
    source = client.source
    assert source is not None
    arrived = worker.offers.expect(client.namespace.engine_id(probe))
    began = monotonic()
    try:
        async with asyncio.timeout(_TIMEOUT):
            await client.create(probe, None, client.clock.now_ms() + 60_000, {"resonate:target": source.unicast()})
            await arrived
            took = monotonic() - began
            await client.resolve(probe, None)
            return took
    except (TimeoutError, EngineUnavailable, ServerError, ConnectorError):
        return float("inf")
    finally:
        worker.offers.forget(client.namespace.engine_id(probe))
