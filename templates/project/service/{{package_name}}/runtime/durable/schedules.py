"""Schedules: workflows that the engine starts by the clock, in UTC.

The engine keeps them, under ``<namespace>/<name>``: whether a worker runs at the time or not, the run is started, and
waits for one. Each is a root of its own, ``<namespace>/schedule/<name>-<Unix ms>``, so no time gives two runs. Times
that passed while the engine itself was down are made up for when it is back.

The workers of a group put its list in place when they start, and remove what has left it. Nothing is removed but
schedules of this service. Of two versions of the service that start at the same time, the last one's list holds.
"""

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from resonate.error import ServerError
from resonate.types import ScheduleRecord, Value

from ..engine.client import EngineClient, answer
from ..engine.postgres import ResilientPostgres
from ..errors import EngineUnavailable
from .rpc import Registration, Rpc

logger = logging.getLogger(__name__)

PAUSE = 5.0
"""Seconds until an engine that was away is asked again."""

KIND = "schedule"
"""Begins the ids of scheduled runs."""

_PAGE = 100
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_NUMBERS = {**dict(zip(_DAYS, range(7), strict=True)), **dict(zip(_MONTHS, range(1, 13), strict=True))}


@dataclass(frozen=True, slots=True, init=False)
class Schedule:
    """Start ``workflow`` with ``request`` whenever ``cron`` matches, in UTC; ``name`` is unique in the service.

    A workflow is given as SERVED has it, or as its contract.

    Every engine understands these five fields alike: minute, hour, day of month, month, day of week, each ``*``, a
    value, a range upwards, ``*/n`` or a list of them. Write weekdays by name (``MON-FRI``; a week begins on Sunday):
    their numbers mean another day on another engine. Leave day of month or day of week ``*``: where both are set, some
    engines want both to match and some want either.
    """

    name: str
    cron: str
    workflow: Rpc[Any, Any]
    request: BaseModel

    def __init__[Q: BaseModel](
        self, name: str, cron: str, workflow: Registration[Q, Any] | Rpc[Q, Any], request: Q
    ) -> None:
        # Written out, so that a type checker compares the request with the contract in a plain list of schedules.
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "cron", cron)
        object.__setattr__(self, "workflow", workflow.contract if isinstance(workflow, Registration) else workflow)
        object.__setattr__(self, "request", request)


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
        promise_timeout=_timeout(schedule),
        promise_param=Value(data=schedule.workflow.task(schedule.request)),
        promise_tags=_tags(client, schedule),
    )
    return await answer(request)


def _is_as_wanted(client: EngineClient, schedule: Schedule, record: ScheduleRecord) -> bool:
    param = client.resonate.schedules.codec.encode(schedule.workflow.task(schedule.request))
    found = (record.cron, record.promise_id, record.promise_timeout, record.promise_param.data)
    wanted = (_cron(client, schedule), _run_id(client, schedule), _timeout(schedule), param.data)
    return found == wanted and record.promise_tags == _tags(client, schedule)


def _run_id(client: EngineClient, schedule: Schedule) -> str:
    """The template of the runs' ids. A plain hyphen: a colon would make all runs children of one root."""
    return client.namespace.engine_id(f"{KIND}/{schedule.name}-{{{{.timestamp}}}}")


def _timeout(schedule: Schedule) -> int:
    return int(schedule.workflow.timeout.total_seconds() * 1000)


def _tags(client: EngineClient, schedule: Schedule) -> dict[str, str]:
    return {"resonate:target": client.namespace.target(schedule.workflow.group)}


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
        page = await answer(client.resonate.schedules.search(None, _PAGE, cursor))
        found |= {record.id for record in page.schedules if record.id.startswith(prefix)}
        cursor = page.cursor
        if cursor is None:
            return found
