"""The schedules of a service as they stand: their next times, and what became of the last one."""

from collections.abc import Sequence

from pydantic import AwareDatetime, BaseModel
from resonate.error import ServerError

from ..engine.client import EngineClient, answer
from ..engine.runs import Run, moment
from .cron import find_next, find_previous
from .schedules import Schedule

NEXT_TIMES = 3
"""Times of each schedule that are told."""

_LOOK_BACK = 20  # Times that are looked at for the last run.


class ScheduleState(BaseModel):
    """A schedule. ``is_kept``: the engine has it; else no worker of `workers` has started since it was added.

    ``skipped`` is why the last time started nothing (``missed`` or ``overlap``), where it did not.
    """

    name: str
    cron: str
    workflow: str
    is_kept: bool
    next_times: list[AwareDatetime]
    last_run: Run | None
    skipped: str | None


async def schedule_states(client: EngineClient, schedules: Sequence[Schedule], prefix: str) -> list[ScheduleState]:
    """How the schedules of a service stand; ``prefix`` begins their ids on the engine.

    Raises:
        EngineUnavailable: the engine does not answer.
    """
    return [await _state(client, schedule, f"{prefix}/{schedule.name}") for schedule in schedules]


async def _state(client: EngineClient, schedule: Schedule, schedule_id: str) -> ScheduleState:
    now = client.clock.now_ms()
    times: list[int] = []
    while len(times) < NEXT_TIMES and (at := find_next(schedule.cron, times[-1] if times else now)) is not None:
        times.append(at)
    state = ScheduleState(
        name=schedule.name,
        cron=schedule.cron,
        workflow=schedule.workflow.name,
        is_kept=await _is_kept(client, schedule_id),
        next_times=[moment(at) for at in times],
        last_run=None,
        skipped=None,
    )
    plan, before = schedule.plan(client), now + 1
    for _ in range(_LOOK_BACK):
        at = find_previous(schedule.cron, before)
        if at is None:
            break
        before = at
        record = await client.find(plan.run_id(at))
        if record is not None:
            state.last_run = Run.of(client, record)
            result = record.value.data if record.state == "resolved" else None
            state.skipped = result.get("skipped") if isinstance(result, dict) and len(result) == 1 else None
            break
    return state


async def _is_kept(client: EngineClient, schedule_id: str) -> bool:
    try:
        await answer(client.resonate.schedules.get(schedule_id))
    except ServerError as error:
        if error.code == 404:
            return False
        raise
    return True
