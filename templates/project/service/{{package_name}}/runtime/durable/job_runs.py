"""The runs of a job: its first, and those that `runs retry` started after it had failed.

A later run is a root of its own, ``job/order-4711+run2``, with the request of the first. What names the work outside of
the engine is the same in all of them (see `ids`): operations find what was done, and a gate keeps its answers. Who asks
how the job goes is told of its newest run.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

from resonate.context import Context
from resonate.ids import join_id, origin_of
from resonate.types import PromiseRecord

from ..engine.call_names import function_of, name_of_call
from ..engine.client import EngineClient, error_of
from ..engine.listing import calls_of, is_detached
from ..engine.namespace import Namespace
from ..engine.run_ids import as_root, first_run, roots_named, run_id, run_number
from ..engine.run_tags import tags_of_run
from ..engine.runs import moment
from ..errors import OperatorError
from .calls import KEPT
from .cancel_requests import SHIELDED, UNDO, is_canceled

REMEDY = "Name it with its kind, as in job/order-4711. One that was removed is not there."
"""What to do where the engine keeps no job of a name."""

WRITES_PRUNED = "writes-pruned"
"""The code of a run that was started again, and whose writes may have been done and pruned."""

type Began = Callable[[], Awaitable[datetime | None]]
"""Asks the engine, by whose clock it is; None where it keeps the first run no more."""

_began: ContextVar[Began | None] = ContextVar("began", default=None)

_NEW_WORK = "Start new work: the same request under another id or key."
_ENDED_WELL, _RUNNING = "resolved", "pending"
_EARLIER = 1000  # Milliseconds that a call which is kept ends before its job: it did not wait past the deadline.


async def newest(client: EngineClient, record: PromiseRecord) -> PromiseRecord:
    """The record of a job's newest run, given that of an earlier one. One request more where that ended badly."""
    while record.state not in (_RUNNING, _ENDED_WELL):
        later = await client.find(run_id(record.id, run_number(record.id) + 1))
        if later is None:
            break
        record = later
    return record


async def all_runs(client: EngineClient, job: str) -> list[PromiseRecord]:
    """The records of all runs of a job, which any of them names, as the service or its logs spell it.

    Raises:
        OperatorError: there is no such job.
    """
    for root in roots_named(client.namespace, job):
        runs: list[PromiseRecord] = []
        while (run := await client.find(run_id(root, len(runs) + 1))) is not None:
            runs.append(run)
        if runs:
            return runs
    raise OperatorError(f"the engine keeps no job {job}", REMEDY)


async def find_newest(client: EngineClient, root: str) -> PromiseRecord | None:
    """The record of the newest run of the job that has this root id; None where there is no such job."""
    first = await client.find(as_root(root))
    return first and await newest(client, first)


@dataclass(frozen=True, slots=True)
class Retried:
    """A job's newest run; ``is_new``: it was started now."""

    record: PromiseRecord
    is_new: bool


async def retry(client: EngineClient, job: str, step: str | None = None) -> Retried:
    """Start a job again that failed, was canceled or timed out, or find that it runs again.

    With ``step`` what the last run recorded before its first call of this name is kept: those calls are not made again.

    Raises:
        OperatorError: there is no such job, it is running or has succeeded, a saga of it was undone, its writes may have
            been pruned, or it has made no such call.
    """
    last = (await all_runs(client, job))[-1]
    if function_of(last) is None:
        raise OperatorError(f"{job} is no job: it runs no function", REMEDY)
    if last.state == _RUNNING and run_number(last.id) > 1:
        return Retried(last, is_new=False)
    if last.state in (_RUNNING, _ENDED_WELL):
        how = "is running" if last.state == _RUNNING else "has succeeded"
        raise OperatorError(f"{job} {how}", "Only a job that failed, timed out or was canceled is started again.")
    if last.state == "rejected" and error_of(last).code == WRITES_PRUNED:
        raise OperatorError(
            f"what {job} wrote may have been pruned, so no run of it writes again: {last.id} failed of that", _NEW_WORK
        )
    if await _was_undone(client, last.id):
        raise OperatorError(
            f"a saga of {job} was undone, and a run under its ids would find its writes done",
            _NEW_WORK,
        )
    again = run_id(last.id, run_number(last.id) + 1)
    # It may live as long as the run before.
    timeout_at = client.clock.now_ms() + last.timeout_at - last.created_at
    if step is not None:
        for number, call in enumerate(await _calls_before(client, last, step), start=1):
            await _keep(client, call, join_id(again, str(number)), timeout_at - _EARLIER)
    # The engine's own tags say where it stands.
    tags = {name: it for name, it in last.tags.items() if name == "resonate:target" or not name.startswith("resonate:")}
    tags |= tags_of_run(client.namespace, again, client.clock.now_ms())
    return Retried(await client.create(again, last.param.data, timeout_at, tags), is_new=True)


async def first_began(client: EngineClient, root: str) -> datetime | None:
    """When the first run of some work began, of which ``root`` is any run, as the service spells it."""
    first = await client.find(first_run(root))
    return None if first is None else moment(first.created_at)


@contextmanager
def noting_retry(ctx: Context) -> Iterator[None]:
    """Let :func:`retried_work` know, in here, whether this is a call of work that was started again."""
    root = ctx.get_dependency(Namespace).local_id(ctx.info.origin_id)
    if run_number(root) == 1:
        yield
        return
    client = ctx.get_dependency(EngineClient)
    noted = _began.set(lambda: first_began(client, root))
    try:
        yield
    finally:
        _began.reset(noted)


def retried_work() -> Began | None:
    """Tells when the work of the call that runs here began; None where this is its first run."""
    return _began.get()


async def _was_undone(client: EngineClient, run: str) -> bool:
    """Whether a saga of a run, or of its calls, has undone what it had done."""
    async for call in calls_of(client, run):
        if call.tags.get(SHIELDED) == UNDO:
            return True
        if call.state == "rejected" and not is_detached(call) and await _was_undone(client, call.id):
            return True
    return False


async def _calls_before(client: EngineClient, run: PromiseRecord, step: str) -> list[PromiseRecord]:
    before: list[PromiseRecord] = []
    async for call in calls_of(client, run.id):
        if name_of_call(call) == step:
            return before
        before.append(call)
    made = ", ".join(dict.fromkeys(map(name_of_call, before))) or "none"
    raise OperatorError(f"{run.id} made no call of {step}", f"Its calls: {made}")


async def _keep(client: EngineClient, call: PromiseRecord, promise: str, timeout_at: int) -> None:
    """Record a call of the run before as one of the next, if it has a result or a failure; ``promise`` is its id there.

    What was detached is not kept: it is work of its own, which each run starts.
    """
    if call.state not in (_ENDED_WELL, "rejected") or is_canceled(call) or is_detached(call):
        return
    root, here = client.namespace.engine_id(origin_of(promise)), client.namespace.engine_id(promise)
    places = {"resonate:origin": root, "resonate:parent": root}
    places["resonate:branch"] = root if call.tags.get("resonate:scope") == "local" else here
    tags = {name: value for name, value in call.tags.items() if name != "resonate:target"}  # Nobody is to run it.
    await client.create(promise, call.param.data, timeout_at, {**tags, **places, **KEPT})
    settle = client.resolve if call.state == _ENDED_WELL else client.reject
    await settle(promise, call.value.data)
