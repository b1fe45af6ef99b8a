"""Schedules: workflows that the engine starts by the clock, in UTC.

The engine keeps them, under ``<namespace>/<name>``: whether a worker runs at the time or not, it makes a promise of the
time, ``<namespace>/schedule/<name>-<Unix ms>``, so no time gives two runs. What becomes of times that passed while the
engine or the workers were away, and of those at which the run before has not ended, a schedule says (``catch_up``,
``overlap``); :mod:`scheduled_runs <.scheduled_runs>` does it.

The workers of a group put its list in place when they start, and remove what has left it. Nothing is removed but
schedules of this service. Of two versions of the service that start at the same time, the last one's list holds.
"""

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from time import time
from typing import Any, get_args

from pydantic import BaseModel
from resonate.error import ServerError
from resonate.types import ScheduleRecord, Value

from ..engine.client import EngineClient, answer
from ..engine.postgres import ResilientPostgres
from ..errors import EngineRefused, EngineUnavailable, OperatorError, WiringError
from .cron import DAYS, MONTHS, find_problem
from .rpc import Registration, Rpc
from .scheduled_runs import KIND, LIFETIME, CatchUp, Overlap, Plan

logger = logging.getLogger(__name__)

PAUSE = 5.0
"""Seconds until an engine that was away is asked again."""

_PAGE = 100
_TIMEOUT = int(LIFETIME.total_seconds() * 1000)
_NAME = re.compile(r"[A-Za-z0-9._-]{1,60}")
_NUMBERS = {name: number for names, first in ((DAYS, 0), (MONTHS, 1)) for number, name in enumerate(names, first)}


@dataclass(frozen=True, slots=True, init=False)
class Schedule:
    """Start ``workflow`` with ``request`` whenever ``cron`` matches, in UTC; ``name`` is unique in the service.

    A workflow is given as SERVED has it, or as its contract.

    `cron` has five fields: minute, hour, day of month, month, day of week. What the engines do not read alike is
    refused (see :mod:`cron <.cron>`), with what to write instead.

    ``catch_up`` says what becomes of times that had passed when a worker came to them, after an outage:

    * ``latest``: of several the last one runs, and no time is too late to run if no other has followed;
    * ``all``: each runs, in order;
    * ``none``: what is more than a minute late is skipped.

    ``overlap`` says what a time does while the run of an earlier one has not ended:

    * ``skip``: it starts nothing. With ``catch_up="all"`` that goes for times that are not late; late ones wait;
    * ``queue``: it starts when that has ended. One waits, and others are skipped meanwhile; with ``catch_up="all"``
      all wait, in order;
    * ``allow``: it starts at once, beside it.

    The deadline of a run is the workflow's ``timeout``, or JOB_TIMEOUT, from when it starts. What is skipped is logged and counted
    (``schedule_times_total``). A run by `schedules run` is apart: it waits for none, and none waits for it; so is one of
    the time before ``cron`` was changed.

    Raises:
        WiringError: the expression, the name, ``catch_up`` or ``overlap`` is no such thing.
    """

    name: str
    cron: str
    workflow: Rpc[Any, Any]
    request: BaseModel
    catch_up: CatchUp
    overlap: Overlap

    def __init__[Q: BaseModel](
        self,
        name: str,
        cron: str,
        workflow: Registration[Q, Any] | Rpc[Q, Any],
        request: Q,
        *,
        catch_up: CatchUp = "latest",
        overlap: Overlap = "skip",
    ) -> None:
        if not _NAME.fullmatch(name):
            raise WiringError(
                f"{name!r} is no name of a schedule", "Use letters, digits, -, _ and ., at most 60, such as nightly."
            )
        if problem := find_problem(cron):
            raise WiringError(f"schedule {name}, cron {cron!r}: {problem.problem}", problem.remedy)
        for option, given, known in (("catch_up", catch_up, CatchUp), ("overlap", overlap, Overlap)):
            if given not in (ways := get_args(known.__value__)):
                raise WiringError(f"schedule {name}: {option} is {given!r}", f"Give one of {', '.join(ways)}.")
        # Written out, so that a type checker compares the request with the contract in a plain list of schedules.
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "cron", " ".join(cron.split()))
        object.__setattr__(self, "workflow", workflow.contract if isinstance(workflow, Registration) else workflow)
        object.__setattr__(self, "request", request)
        object.__setattr__(self, "catch_up", catch_up)
        object.__setattr__(self, "overlap", overlap)

    def plan(self, client: EngineClient) -> Plan:
        """What the promise of each time holds, as this client makes it."""
        return Plan(
            schedule=self.name,
            cron=self.cron,
            function=self.workflow.name,
            version=self.workflow.version,
            group=self.workflow.group,
            request=self.workflow.task(self.request).args[0],
            timeout_ms=int(self.workflow.job_timeout(client).total_seconds() * 1000),
            catch_up=self.catch_up,
            overlap=self.overlap,
        )


def check_schedules(schedules: Sequence[Schedule]) -> None:
    """Compare the schedules of a service with each other.

    Raises:
        WiringError: two have one name, under which the engine would keep the last of them alone.
    """
    names = [schedule.name for schedule in schedules]
    for name in names:
        if names.count(name) > 1:
            raise WiringError(f"two schedules are called {name}", "Give each entry of SCHEDULES a name of its own.")


async def run_now(client: EngineClient, schedules: Sequence[Schedule], name: str) -> str:
    """Start what a schedule starts, now; return the run's id on the engine. Its next times stay as they are.

    It starts whatever else of the schedule runs.

    Raises:
        OperatorError: there is no such schedule.
        EngineUnavailable: the engine does not answer.
    """
    found = next((schedule for schedule in schedules if schedule.name == name), None)
    if found is None:
        known = ", ".join(schedule.name for schedule in schedules) or "none yet"
        raise OperatorError(f"there is no schedule {name!r}", f"Schedules: {known}")
    run = await found.workflow.start(client, f"{KIND}/{name}-{int(time() * 1000)}", found.request)
    return client.namespace.engine_id(run.id)


async def sync_schedules(client: EngineClient, schedules: Sequence[Schedule], *, prefix: str) -> None:
    """Make the engine's schedules that begin with ``<prefix>/`` those of the list; return when they are.

    One that is as it should be keeps its next run. Several workers may do this at once. An engine that is away is
    waited for; a schedule that it refuses is logged and left out.
    """
    waits = False
    while True:
        try:
            await _sync(client, schedules, prefix)
            return
        except EngineUnavailable as error:
            if not waits:
                logger.warning("schedules wait for the engine: %s", error)
            waits = True
            await asyncio.sleep(PAUSE)


async def _sync(client: EngineClient, schedules: Sequence[Schedule], prefix: str) -> None:
    wanted = {f"{prefix}/{schedule.name}": schedule for schedule in schedules}
    for schedule_id, schedule in wanted.items():
        try:
            await _put(client, schedule_id, schedule)
        except ServerError as error:
            logger.error("the engine refuses schedule %s (%s): %s", schedule_id, schedule.cron, error)
    for schedule_id in sorted(await _ids(client, f"{prefix}/") - wanted.keys()):
        await _delete(client, schedule_id)
        logger.info("schedule %s removed: it is no longer in the list", schedule_id)


async def _put(client: EngineClient, schedule_id: str, schedule: Schedule) -> None:
    # A create answers with the schedule that has the id, whatever its cron is: so compare.
    if not _is_as_wanted(client, schedule, await _create(client, schedule_id, schedule)):
        await _delete(client, schedule_id)
        await _create(client, schedule_id, schedule)
        logger.info("schedule %s changed: %s", schedule_id, schedule.cron)


async def _create(client: EngineClient, schedule_id: str, schedule: Schedule) -> ScheduleRecord:
    request = client.resonate.schedules.create(
        id=schedule_id,
        cron=_cron(client, schedule),
        promise_id=_run_id(client, schedule),
        promise_timeout=_TIMEOUT,
        promise_param=Value(data=schedule.plan(client).task()),
        promise_tags=schedule.plan(client).tags(client),
    )
    return await answer(request)


def _is_as_wanted(client: EngineClient, schedule: Schedule, record: ScheduleRecord) -> bool:
    param = client.resonate.schedules.codec.encode(schedule.plan(client).task())
    found = (record.cron, record.promise_id, record.promise_timeout, record.promise_param.data)
    wanted = (_cron(client, schedule), _run_id(client, schedule), _TIMEOUT, param.data)
    return found == wanted and record.promise_tags == schedule.plan(client).tags(client)


def _run_id(client: EngineClient, schedule: Schedule) -> str:
    """The template of the runs' ids. A plain hyphen: a colon would make all runs children of one root."""
    return client.namespace.engine_id(f"{KIND}/{schedule.name}-{{{{.timestamp}}}}")


def _cron(client: EngineClient, schedule: Schedule) -> str:
    """The expression as the engine spells it: resonate-pg knows no names of days and months."""
    if not isinstance(client.network, ResilientPostgres):
        return schedule.cron
    return re.sub("[A-Z]{3}", lambda name: str(_NUMBERS.get(name[0], name[0])), schedule.cron.upper())


async def _delete(client: EngineClient, schedule_id: str) -> None:
    try:
        await answer(client.resonate.schedules.delete(schedule_id))
    except ServerError as error:
        if error.code != 404:  # Another worker was faster.
            raise


async def _ids(client: EngineClient, prefix: str) -> set[str]:
    """The ids of the engine's schedules that begin with ``prefix``."""
    if isinstance(client.network, ResilientPostgres):
        readable = await answer(client.network.schedule_ids(prefix))
        if readable is None:
            logger.warning("schedules that left the list stay: this role needs SELECT on resonate.schedules")
        return readable or set()
    found: set[str] = set()
    cursor: str | None = None
    while True:
        try:
            page = await answer(client.resonate.schedules.search(None, _PAGE, cursor))
        except EngineRefused as error:
            if error.code != 403:
                raise
            logger.info("schedules that left the list stay: only a token with `role: admin` may list the engine's")
            return set()
        found |= {record.id for record in page.schedules if record.id.startswith(prefix)}
        cursor = page.cursor
        if cursor is None:
            return found
