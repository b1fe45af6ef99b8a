"""Work that stands still: calls that no worker takes, and runs that were timed out while nobody looked.

The engine tells nobody of either. So each process asks it about the calls that it made itself, and the runs that it
held: a warning and a metric. :func:`find_untaken` follows one job's calls to the one that nobody takes.
"""

import asyncio
import logging
from dataclasses import dataclass
from time import monotonic

from resonate.connections import LocalConnection
from resonate.error import ServerError
from resonate.ids import join_id
from resonate.types import PromiseRecord

from ..errors import EngineUnavailable
from ..telemetry import metrics, outstanding
from ..telemetry.runs import CANCELED, TIMED_OUT
from .call_names import function_of, group_of
from .client import EngineClient, answer
from .misfits import find_problem
from .suspects import find_crashes

logger = logging.getLogger(__name__)

LOOK = 10.0
"""Seconds between two looks at what is outstanding."""

PATIENCE = 30.0
"""Seconds after which a call that nobody took is told."""

REPEAT = 60.0
"""Seconds between two warnings about a group."""

YOUNG = 5.0
"""Seconds of a job's life in which nothing is looked for: its calls are just being taken."""

_DEEPEST = 5
_ENDED_BY_THE_ENGINE = {"rejected_timedout": TIMED_OUT, "rejected_canceled": CANCELED}
_LAST_CALLS = 8


@dataclass(frozen=True, slots=True)
class Task:
    """What the engine does with a call: ``pending`` (nobody has it), ``acquired``, ``suspended``, ``fulfilled``.

    ``version`` grows whenever somebody takes it.
    """

    state: str
    version: int


@dataclass(frozen=True, slots=True)
class Untaken:
    """A call that no worker of its group goes on with. ``group`` is as the engine knows it.

    ``problem`` is why the workers of the group hold it back, or that those which had it ended.
    """

    promise: str
    function: str
    group: str
    problem: str | None = None


async def watch_work(client: EngineClient) -> None:
    """Look at what is outstanding, until canceled. An engine that is away is said elsewhere."""
    said: dict[str, float] = {}
    while True:
        await asyncio.sleep(LOOK)
        try:
            for group in list(outstanding.calls):
                await _look_at_group(client, group, said)
            await _look_at_deadlines(client)
        except EngineUnavailable:
            continue
        except ServerError as error:
            logger.warning("work that nobody takes goes unnoticed: the engine refuses to tell of it: %s", error)
            return


async def _look_at_group(client: EngineClient, group: str, said: dict[str, float]) -> None:
    """Warn where a call of a group has waited for long; forget calls that somebody took."""
    noted = outstanding.calls.get(group, {})
    for promise, call in list(noted.items()):
        task = await find_task(client, promise)
        if task is None or task.state != "pending":
            noted.pop(promise, None)
        elif task.version != call.version:
            call.version, call.since = task.version, monotonic()
    now = monotonic()
    longest = max(noted.items(), key=lambda item: now - item[1].since, default=None)
    waited = now - longest[1].since if longest else 0.0
    metrics.UNTAKEN.labels(group).set(waited if waited >= PATIENCE else 0)
    if longest and waited >= PATIENCE and now - said.get(group, float("-inf")) >= REPEAT:
        said[group] = now
        promise, call = longest
        message = "nobody takes the work of group %s: %s has waited for %.0f s. Is a worker of that group running?"
        logger.warning(message, group, call.function, waited, extra={"job": promise.partition(":")[0]})


async def _look_at_deadlines(client: EngineClient) -> None:
    """Log the runs that were timed out since the last look."""
    now = client.clock.now_ms()
    for promise, run in [(promise, run) for promise, run in outstanding.deadlines.items() if run.timeout_at < now]:
        record = await client.find(client.namespace.local_id(promise))
        if record and record.state == "pending":
            continue  # The engine's clock is behind.
        outstanding.forget_deadline(promise)
        outcome = _ENDED_BY_THE_ENGINE.get(record.state) if record else None
        if outcome is not None:
            metrics.JOBS_ENDED.labels(run.function, outcome).inc()
            extra = {"job": promise, "function": run.function, "outcome": outcome}
            logger.warning("%s %s", run.function, outcome.replace("-", " "), extra=extra)


async def find_task(client: EngineClient, engine_id: str) -> Task | None:
    """What the engine does with a call, by the promise's id on the engine; None where nobody is to take it."""
    if isinstance(client.network, LocalConnection):
        local = client.network.state.tasks.get(engine_id)
        # It counts a task when it is given back, as no other engine does.
        return Task(local.state, local.version + (local.state in ("acquired", "fulfilled"))) if local else None
    sender = client.resonate.promises.sender
    try:
        # The SDK has no public request for it; the minor version is pinned for this line.
        _, data = await answer(
            sender._send_envelope("task.get", {"id": engine_id}, allow_409=False, routes_by=engine_id)
        )
    except ServerError as error:
        if error.code == 404:
            return None
        raise
    return Task(str(data["task"]["state"]), int(data["task"]["version"]))


async def find_crash_problem(client: EngineClient, engine_id: str, task: Task) -> str | None:
    """That the processes which had a call ended while it ran; None where they did not."""
    crashes = await find_crashes(client, engine_id, task.version - (task.state == "acquired"))
    return f"processes ended while it ran ({crashes} in a row): it is tried again, alone" if crashes else None


async def find_untaken(client: EngineClient, record: PromiseRecord) -> Untaken | None:
    """The call that a job waits for, where no worker has it; None where one has, or it waits for something else.

    It follows the last calls of the run, and of theirs. About twenty requests where a run has hundreds of calls, two or
    three as a rule.
    """
    for _ in range(_DEEPEST):
        engine_id = client.namespace.engine_id(record.id)
        task = await find_task(client, engine_id)
        if task is None or record.state != "pending":
            return None
        if task.state == "suspended":
            child = await _open_call(client, record.id)
            if child is None:
                return None
            record = child
            continue
        if client.clock.now_ms() - record.created_at < YOUNG * 1000:
            return None
        problem = await find_crash_problem(client, engine_id, task)
        if problem is None and task.state == "acquired":
            return None
        problem = problem or await find_problem(client, engine_id)
        return Untaken(record.id, function_of(record) or "", group_of(record) or "", problem)
    return None


async def _open_call(client: EngineClient, parent: str) -> PromiseRecord | None:
    """The last call of a run that has not ended, among its last few."""

    async def call(number: int) -> PromiseRecord | None:
        return await client.find(join_id(parent, str(number)))

    # Calls are numbered from 1 without a gap: double up past the last one, then halve the distance to it.
    there, beyond = 0, 1
    while await call(beyond):
        there, beyond = beyond, beyond * 2
    while beyond - there > 1:
        middle = (there + beyond) // 2
        there, beyond = (middle, beyond) if await call(middle) else (there, middle)
    for number in range(there, max(0, there - _LAST_CALLS), -1):
        found = await call(number)
        if found and found.state == "pending":
            return found
    return None
