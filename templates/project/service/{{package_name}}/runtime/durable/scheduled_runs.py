"""The times of a schedule: which of them start its workflow, and when.

The engine makes one promise for each time, ``schedule/<name>-<Unix ms>``, which calls :data:`FIRE`. That decides, and
then calls the workflow, whose deadline counts from there. So a time that was missed does not time out before a worker
sees it, and all decisions are in the engine: they hold when the worker that made them dies.

Two kinds of promises beside it are settled once, by whoever comes first:

    schedule/<name>-<Unix ms>/turn   whether this time starts the workflow; a later time that finds it undecided says no
    schedule/<name>-<Unix ms>/end-1  its end, or who waits for that (``end-2`` where such a wait was too long, …)

What is late is judged by the engine's clock: the moment at which the promise of the turn was made.
"""

import logging
from datetime import timedelta
from itertools import count
from time import monotonic
from typing import Any, Literal

from pydantic import BaseModel
from resonate.context import Context
from resonate.error import ApplicationError
from resonate.types import PromiseRecord, TaskData

from ..engine.call_names import function_of
from ..engine.client import EngineClient
from ..engine.namespace import Namespace
from ..engine.run_tags import EXTERNAL, SCHEDULED, tags_of_scheduled_run
from ..engine.runs import moment
from ..engine.worker import DurableFunction
from ..errors import Failure
from ..telemetry import metrics
from ..telemetry.outstanding import note_call
from ..telemetry.runs import count_job
from .cron import find_next, find_previous
from .gate import HOLD, end_hold
from .ids import job_root
from .steps import DurableContext

logger = logging.getLogger(__name__)

type CatchUp = Literal["latest", "all", "none"]
type Overlap = Literal["skip", "queue", "allow"]

KIND = SCHEDULED
"""Begins the ids of scheduled runs."""

LIFETIME = timedelta(days=365)
"""How long the promise of one time lives: longer than any outage. The workflow that it starts has its own deadline."""

LATE = timedelta(minutes=1)
"""A time whose turn comes later than this was missed."""

_FARTHEST = 10_000
"""Times that are looked back at, at most, for the run before."""

_FIRST_WAIT = timedelta(hours=1)
_REPEAT = 60.0

# By schedule and reason: when it was logged last, and how often it has come since.
_told: dict[tuple[str, str], tuple[float, int]] = {}


class Plan(BaseModel):
    """What the promise of a time holds. ``since``: this time was made before the engine came to it, which stands at
    ``since`` (Unix ms).
    """

    schedule: str
    cron: str
    function: str
    version: int
    group: str
    request: Any
    timeout_ms: int
    catch_up: CatchUp
    overlap: Overlap
    since: int | None = None

    def run_id(self, due: int) -> str:
        """The id of the run of a time."""
        return f"{KIND}/{self.schedule}-{due}"

    def tags(self, client: EngineClient) -> dict[str, str]:
        """The tags of each run: the group that keeps the list decides about each time, whoever serves the workflow."""
        target = {"resonate:target": client.namespace.target(client.group)}
        return target | tags_of_scheduled_run(client.namespace, self.schedule)

    def task(self) -> TaskData:
        """What the engine hands to a worker at each time."""
        return TaskData(func=FIRE.name, args=(self.model_dump(mode="json"),), version=FIRE.version)


class _Turn(BaseModel):
    """Whether a time starts its workflow, and after the end of which run if one has not ended; or why it does not."""

    run: bool
    reason: Literal["missed", "overlap"] | None = None
    after: str | None = None


async def _fire(ctx: Context, given: Any) -> Any:
    """Run the workflow of a schedule for one time, or skip it."""
    here = DurableContext.of(ctx)
    plan = Plan.model_validate(given)
    turn = _Turn.model_validate(await here.run(_take_turn, given))
    if not turn.run:
        return {"skipped": turn.reason}
    if turn.after is not None:
        await _wait_for_end(here, turn.after)
    result, failure = None, None
    try:
        result = await _call(here, plan)
    except Failure as error:
        failure = error
    count_job(plan.function, failure)
    if _may_be_waited_for(plan):
        await here.run(_say_end)
    if failure is not None:
        raise failure
    return result


FIRE = DurableFunction("schedule.run", 1, _fire)
"""Served by every group: what the engine calls at each time of a schedule."""


async def _call(here: DurableContext, plan: Plan) -> Any:
    """The result of the workflow, as JSON."""
    target = here.get_dependency(Namespace).group(plan.group)
    timeout = timedelta(milliseconds=plan.timeout_ms)
    call = here.options(target=target, timeout=timeout, version=plan.version).rpc(plan.function, plan.request)
    note_call(target, call._id, plan.function)
    try:
        return await call
    except ApplicationError:  # The SDK's, for a call that has ended without a value.
        message = f"{plan.function} was canceled or did not end within {timeout}"
        logger.warning("schedule %s: %s", plan.schedule, message, extra={"job": here.info.origin_id})
        raise Failure(message, code="timed-out", status=504) from None


async def _wait_for_end(here: DurableContext, before: str) -> None:
    """Wait until a run has ended."""
    patience = _FIRST_WAIT
    while True:
        call = here.options(timeout=patience).rpc(HOLD.name)
        await here.run(_line_up, before, await call.id())
        try:
            await call
            return
        except ApplicationError:  # As a rule the run before says when it ends; not if it was canceled.
            patience *= 2


def _may_be_waited_for(plan: Plan) -> bool:
    return plan.overlap == "queue" or (plan.overlap == "skip" and plan.catch_up == "all")


# Steps


async def _take_turn(ctx: Context, given: Any) -> dict[str, Any]:
    """Step: decide whether this time starts its workflow."""
    client, plan = ctx.get_dependency(EngineClient), Plan.model_validate(given)
    run_id = job_root(ctx)
    due = _due(run_id)
    asked = await client.create(f"{run_id}/turn", None, _lives_until(due), EXTERNAL)
    turn = _turn_in(asked)
    if turn is None:
        found = await _judge(client, plan, due, asked.created_at)
        turn = await _decide(client, run_id, due, found)
    if not turn.run:
        _tell_skipped(plan, due, turn, ctx.info.origin_id)
        if _may_be_waited_for(plan):
            await _hand_over(client, run_id)
        return turn.model_dump()
    metrics.SCHEDULED.labels(plan.schedule, "started").inc()
    before = await client.find(turn.after) if turn.after is not None else None
    waits = before is not None and before.state == "pending"
    message = "schedule %s: the run of %s waits for the end of %s" if waits else "schedule %s: the run of %s starts"
    named = (plan.schedule, _text(due), *([turn.after] if waits else []))
    logger.info(message, *named, extra={"job": ctx.info.origin_id})
    return (turn if waits else _Turn(run=True)).model_dump()


async def _line_up(ctx: Context, before: str, held: str) -> None:
    """Step: let the end of a run resolve ``held``, an id on the engine; at once where it has ended."""
    client = ctx.get_dependency(EngineClient)
    ours = {"next": client.namespace.local_id(held)}
    for number in count(1):
        recorded = await _settle(client, f"{before}/end-{number}", _due(before), ours)
        if recorded == ours or "ended" in recorded:
            break
    run = await client.find(before)
    if "ended" in recorded or run is None or run.state != "pending":
        await end_hold(client, ours["next"], {"ended": before})


async def _say_end(ctx: Context) -> None:
    """Step: wake the run that waits for the end of this one."""
    client = ctx.get_dependency(EngineClient)
    await _hand_over(client, job_root(ctx))


async def _hand_over(client: EngineClient, run_id: str) -> None:
    for number in count(1):
        recorded = await _settle(client, f"{run_id}/end-{number}", _due(run_id), {"ended": run_id})
        if "ended" in recorded:
            return
        await end_hold(client, recorded["next"], {"ended": run_id})


# Decisions


async def _judge(client: EngineClient, plan: Plan, due: int, now: int) -> _Turn:
    """Whether a time should start its workflow, as things are."""
    if await _is_missed(client, plan, due, now):
        return _Turn(run=False, reason="missed")
    if plan.overlap == "allow":
        return _Turn(run=True)
    before = await _find_run_before(client, plan, due)
    if before is None or before.state != "pending":
        return _Turn(run=True)
    is_late = now - due > LATE.total_seconds() * 1000
    # What is caught up with waits, for skipping it would not be catching up.
    if plan.catch_up == "all" and (is_late or plan.overlap == "queue"):
        return _Turn(run=True, after=before.id)
    # Else one at a time waits: it stands for the latest.
    if plan.overlap == "queue" and not await _is_waiting(client, before.id):
        return _Turn(run=True, after=before.id)
    return _Turn(run=False, reason="overlap", after=before.id)


async def _is_missed(client: EngineClient, plan: Plan, due: int, now: int) -> bool:
    """Whether a time is left out because it has passed. It makes the next that is not, if the engine has not yet."""
    following = find_next(plan.cron, due)
    has_followed = following is not None and following <= now
    is_late = now - due > LATE.total_seconds() * 1000
    if plan.catch_up == "all":
        if has_followed and following is not None:
            await _make(client, plan, following)
        return False
    latest = find_previous(plan.cron, now + 1)
    is_latest_wanted = plan.catch_up == "latest" or (latest is not None and now - latest <= LATE.total_seconds() * 1000)
    if has_followed and latest is not None and is_latest_wanted:
        await _make(client, plan.model_copy(update={"since": due}), latest)
    return has_followed or (plan.catch_up == "none" and is_late)


async def _make(client: EngineClient, plan: Plan, due: int) -> None:
    """Make the promise of a time, if it is not there: engines that were away make theirs one a second."""
    await client.create(plan.run_id(due), plan.task(), _lives_until(due), plan.tags(client))


async def _find_run_before(client: EngineClient, plan: Plan, due: int) -> PromiseRecord | None:
    """The last run that an earlier time has started, or is about to."""
    at = due
    for _ in range(_FARTHEST):
        earlier = find_previous(plan.cron, at)
        if earlier is None:
            return None
        at = earlier
        run = await client.find(plan.run_id(at))
        if run is None:
            if plan.since is None or at <= plan.since:
                return None
            continue
        if function_of(run) != FIRE.name:  # The release before started the workflow itself.
            return run
        is_undecided_for_good = run.state == "pending" and plan.catch_up != "all"
        turn = await (
            _decide(client, run.id, at, _Turn(run=False, reason="missed"))
            if is_undecided_for_good
            else _find_turn(client, run.id)
        )
        if turn is None:
            if run.state == "pending":
                return run  # It comes first.
        elif turn.run:
            return await _skip_canceled(client, run, turn)
        elif turn.after is not None:
            return await client.find(turn.after)
    return None


async def _skip_canceled(client: EngineClient, run: PromiseRecord, turn: _Turn) -> PromiseRecord | None:
    """The run; or the one that it was waiting for when somebody canceled it."""
    while run.state in ("rejected_canceled", "rejected_timedout") and turn.after is not None:
        before = await client.find(turn.after)
        if before is None:
            return None
        run, turn = before, await _find_turn(client, before.id) or _Turn(run=True)
    return run


async def _is_waiting(client: EngineClient, run_id: str) -> bool:
    """Whether a run waits for the end of another."""
    turn = await _find_turn(client, run_id)
    if turn is None or turn.after is None:
        return False
    before = await client.find(turn.after)
    if before is not None and before.state == "pending":
        return True
    await _hand_over(client, turn.after)  # If it was canceled, nobody else does.
    return False


async def _find_turn(client: EngineClient, run_id: str) -> _Turn | None:
    asked = await client.find(f"{run_id}/turn")
    return _turn_in(asked) if asked else None


async def _decide(client: EngineClient, run_id: str, due: int, turn: _Turn) -> _Turn:
    """Decide about a time; what holds is what was decided first."""
    return _Turn.model_validate(await _settle(client, f"{run_id}/turn", due, turn.model_dump()))


async def _settle(client: EngineClient, promise_id: str, due: int, value: dict[str, Any]) -> dict[str, Any]:
    """Resolve a promise that may not be there; returns what it was resolved with first."""
    await client.create(promise_id, None, _lives_until(due), EXTERNAL)
    recorded: Any = (await client.resolve(promise_id, value)).value.data
    return dict(recorded)


def _turn_in(asked: PromiseRecord) -> _Turn | None:
    return _Turn.model_validate(asked.value.data) if asked.state == "resolved" else None


def _due(run_id: str) -> int:
    """The time of a run, in Unix ms."""
    return int(run_id.rpartition("-")[2])


def _lives_until(due: int) -> int:
    return due + int(LIFETIME.total_seconds() * 1000)


# What is told


def _tell_skipped(plan: Plan, due: int, turn: _Turn, job: str) -> None:
    """Count a time that starts nothing, and log it: at most one line a minute of each schedule and reason."""
    reason = turn.reason or "missed"
    metrics.SCHEDULED.labels(plan.schedule, reason).inc()
    now, key = monotonic(), (plan.schedule, reason)
    last, untold = _told.get(key, (float("-inf"), 0))
    if now - last < _REPEAT:
        _told[key] = last, untold + 1
        return
    _told[key] = now, 0
    why = f"{turn.after} has not ended" if reason == "overlap" else "its time had passed when a worker came to it"
    more = f" ({untold} more since the last such line)" if untold else ""
    message = "schedule %s: the run of %s is skipped: %s%s"
    logger.warning(message, plan.schedule, _text(due), why, more, extra={"job": job, "reason": reason})


def _text(due: int) -> str:
    return moment(due).isoformat().replace("+00:00", "Z")
