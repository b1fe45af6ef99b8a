"""Schedules: durable functions that the engine starts by the clock, in UTC.

The engine keeps them, under ``<service>/<name>``: whether a worker runs at the time or not, the run is started, and
waits for one. Each is a root of its own, ``<service>/<name>-<Unix ms>``, so no time gives two runs. Times that
passed while the engine itself was down are made up for when it is back.

The workers put the list in place when they start, and remove what is no longer in it. Nothing is removed but ids that
begin with ``<service>/``. Of two versions of the service that start at the same time, the last one's list holds.
"""

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from resonate.error import ServerError
from resonate.types import ScheduleRecord, TaskData, Value

from .engine import Engine, EngineUnavailable, SteadyPostgres, answer_of
from .rpc import Rpc

logger = logging.getLogger(__name__)

PAUSE = 5.0
"""Seconds until an engine that was away is asked again."""

# A plain hyphen: a colon would make all runs children of one root.
_RUN_ID = "{{.id}}-{{.timestamp}}"
_PAGE = 100
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_NUMBERS = {**dict(zip(_DAYS, range(7), strict=True)), **dict(zip(_MONTHS, range(1, 13), strict=True))}


@dataclass(frozen=True, slots=True, init=False)
class Schedule:
    """Start ``workflow`` with ``request`` whenever ``cron`` matches, in UTC; ``name`` is unique in the service.

    Every engine understands these five fields alike: minute, hour, day of month, month, day of week, each ``*``, a
    value, a range upwards, ``*/n`` or a list of them. Write weekdays by name (``MON-FRI``; a week begins on Sunday):
    their numbers mean another day on another engine. Leave day of month or day of week ``*``: where both are set, some
    engines want both to match and some want either.
    """

    name: str
    cron: str
    workflow: Rpc[Any, Any]
    request: BaseModel

    def __init__[Q: BaseModel](self, name: str, cron: str, workflow: Rpc[Q, Any], request: Q) -> None:
        # Written out, so that a type checker holds the request against the contract in a plain list of schedules.
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "cron", cron)
        object.__setattr__(self, "workflow", workflow)
        object.__setattr__(self, "request", request)


async def put_in_place(engine: Engine, schedules: Sequence[Schedule], *, service: str) -> None:
    """Make the engine's schedules of this service those of the list; returns when they are.

    One that is as it should be keeps its next run. Several workers may do this at once. An engine that is away is
    waited for; a schedule that it refuses is logged and left out.
    """
    waits = False
    while True:
        try:
            await _put_all(engine, schedules, service)
            return
        except EngineUnavailable as error:
            if not waits:
                logger.warning("schedules wait for the engine: %s", error)
            waits = True
            await asyncio.sleep(PAUSE)


async def _put_all(engine: Engine, schedules: Sequence[Schedule], service: str) -> None:
    wanted = {f"{service}/{schedule.name}": schedule for schedule in schedules}
    for schedule_id, schedule in wanted.items():
        try:
            await _put(engine, schedule_id, schedule)
        except ServerError as error:
            logger.error("the engine refuses schedule %s (%s): %s", schedule_id, schedule.cron, error)
    for schedule_id in sorted(await _ids(engine, f"{service}/") - wanted.keys()):
        await _delete(engine, schedule_id)
        logger.info("schedule %s removed: it is no longer in the list", schedule_id)


async def _put(engine: Engine, schedule_id: str, schedule: Schedule) -> None:
    # A create answers with the schedule that has the id, whatever its cron is: so compare.
    if not _is_as_wanted(engine, schedule, await _create(engine, schedule_id, schedule)):
        await _delete(engine, schedule_id)
        await _create(engine, schedule_id, schedule)
        logger.info("schedule %s changed: %s", schedule_id, schedule.cron)


async def _create(engine: Engine, schedule_id: str, schedule: Schedule) -> ScheduleRecord:
    asked = engine.resonate.schedules.create(
        id=schedule_id,
        cron=_cron(engine, schedule),
        promise_id=_RUN_ID,
        promise_timeout=_timeout(schedule),
        promise_param=Value(data=_task(schedule)),
        promise_tags=_tags(schedule),
    )
    return await answer_of(asked)


def _is_as_wanted(engine: Engine, schedule: Schedule, record: ScheduleRecord) -> bool:
    param = engine.resonate.schedules.codec.encode(_task(schedule))
    found = (record.cron, record.promise_id, record.promise_timeout, record.promise_param.data)
    wanted = (_cron(engine, schedule), _RUN_ID, _timeout(schedule), param.data)
    return found == wanted and record.promise_tags == _tags(schedule)


def _task(schedule: Schedule) -> TaskData:
    contract = schedule.workflow
    return TaskData(func=contract.name, args=(schedule.request.model_dump(mode="json"),), version=contract.version)


def _timeout(schedule: Schedule) -> int:
    return int(schedule.workflow.timeout.total_seconds() * 1000)


def _tags(schedule: Schedule) -> dict[str, str]:
    return {"resonate:target": f"poll://any@{schedule.workflow.group}"}


def _cron(engine: Engine, schedule: Schedule) -> str:
    """The expression as the engine spells it: resonate-pg knows no names of days and months."""
    if not isinstance(engine.network, SteadyPostgres):
        return schedule.cron
    return re.sub("[A-Z]{3}", lambda name: str(_NUMBERS.get(name[0], name[0])), schedule.cron.upper())


async def _delete(engine: Engine, schedule_id: str) -> None:
    try:
        await answer_of(engine.resonate.schedules.delete(schedule_id))
    except ServerError as error:
        if error.code != 404:  # Another worker was faster.
            raise


async def _ids(engine: Engine, prefix: str) -> set[str]:
    """The ids of the engine's schedules that begin with ``prefix``."""
    if isinstance(engine.network, SteadyPostgres):
        readable = await answer_of(engine.network.schedule_ids(prefix))
        if readable is None:
            logger.warning("schedules that left the list stay: this role needs SELECT on resonate.schedules")
        return readable or set()
    found: set[str] = set()
    cursor: str | None = None
    while True:
        page = await answer_of(engine.resonate.schedules.search(None, _PAGE, cursor))
        found |= {record.id for record in page.schedules if record.id.startswith(prefix)}
        cursor = page.cursor
        if cursor is None:
            return found
