"""Canceling a job: the request is recorded once, and what the job waits for ends at once.

A job is canceled by its own workflow, which undoes what has to be undone (see `saga`) and then ends with `Canceled`. To
ask for that is to make one promise (see `cancel_requests`). Then the calls under way are looked at, down to the last:

* a wait at a gate ends, and its question takes no answer any more;
* a sleep ends with `Canceled`;
* a call that no worker ever took ends with `Canceled`, and so does the job itself;
* what runs is left alone: a workflow learns of the request by itself, and a database function goes on to its end.

So a job stops at its next durable call. To ask again is to look again. By force (``hard``) a job and its open calls end
where they are: nothing is undone.
"""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic

from resonate.types import PromiseRecord

from ..engine.call_names import function_of
from ..engine.client import EngineClient
from ..engine.listing import calls_of, is_detached
from ..engine.run_ids import roots_named
from ..engine.watch import find_task
from ..errors import Canceled, OperatorError
from ..telemetry.runs import count_job
from .cancel_requests import FRESH, SHIELDED, cancel_request_id, is_canceled
from .gate import CANCELED, HOLD, end_hold
from .job_runs import REMEDY, newest

_FIRST_PAUSE, _LAST_PAUSE = 0.05, 0.5


async def request_cancel(client: EngineClient, root: str, *, hard: bool = False) -> PromiseRecord:
    """Cancel a job's newest run, or find that it was canceled; returns its record as it is then.

    It may take a second and a half, while the job's workflow runs: what that makes meanwhile is looked at, too.
    ``hard`` ends the job and its open calls at once, whatever they do, and undoes nothing.

    Raises:
        OperatorError: there is no such job, or it has ended otherwise.
        EngineUnavailable: the engine does not answer; asking again is safe.
    """
    record = await find_job(client, root)
    if record is None:
        raise OperatorError(f"the engine keeps no job {root}", REMEDY)
    record = await (stop(client, record) if hard else ask(client, record))
    if record.state == "pending":
        await follow(client, record)
        record = await client.find(record.id) or record
    if record.state != "pending" and not is_canceled(record):
        how = {"resolved": "has succeeded", "rejected_timedout": "has timed out"}.get(record.state, "has failed")
        raise OperatorError(f"{root} {how}", "Only a job that has not ended is canceled.")
    return record


async def find_job(client: EngineClient, root: str) -> PromiseRecord | None:
    """The record of a job's newest run, by an id as the service or its logs spell it; None where there is none."""
    for spelled in roots_named(client.namespace, root):
        first = await client.find(spelled)
        if first is not None and "resonate:target" in first.tags:
            return await newest(client, first)
    return None


async def ask(client: EngineClient, record: PromiseRecord) -> PromiseRecord:
    """Record that a run is to be canceled, if it has not ended, and end what it waits for. Returns its record after that.

    A run whose workflow is at work just now may begin to wait a moment later: see :func:`follow`.
    """
    if record.state != "pending":
        return record
    run = client.namespace.engine_id(record.id)
    # It has timed out when it is made: it is there, and waits for nobody.
    places = {f"resonate:{place}": run for place in ("origin", "branch", "parent")}
    await client.create(cancel_request_id(record.id), None, record.created_at, places)
    await _end_waits(client, record)
    return await client.find(record.id) or record


async def follow(client: EngineClient, record: PromiseRecord) -> None:
    """Look again as long as the run or one of its calls is at work, until it has to know of the request by itself."""
    until, pause = monotonic() + 1.5 * FRESH, _FIRST_PAUSE
    while await _end_waits(client, record) and monotonic() < until:
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LAST_PAUSE)


async def stop(client: EngineClient, record: PromiseRecord) -> PromiseRecord:
    """End a run and its open calls by force, if it has not ended. Returns its record after that."""
    if record.state == "pending":
        record = await client.stop(record.id)  # First: then nobody makes calls for it.
        await _stop_calls(client, record)
    return record


async def _stop_calls(client: EngineClient, parent: PromiseRecord) -> None:
    async for call in _open_calls(client, parent.id):
        await client.stop(call.id)
        await _stop_calls(client, call)


async def _end_waits(client: EngineClient, record: PromiseRecord) -> bool:
    """End what a run or step waits for; returns whether it, or what it calls, is at work."""
    is_at_work, promise = False, client.namespace.engine_id(record.id)
    if "resonate:target" in record.tags:
        task = await find_task(client, promise)
        if task is not None and (task.state, task.version) == ("pending", 0):
            if await client.fail_untaken(record.id, failure := Canceled(promise)):
                if record.tags.get("resonate:origin") == promise:  # No worker counts its end.
                    count_job(function_of(record) or "", failure)
                return False
            is_at_work = True
        # One that waits for a worker to go on with it learns of the request when it does.
        is_at_work = is_at_work or (task is not None and task.state == "acquired")
    async for call in _open_calls(client, record.id):
        if SHIELDED in call.tags:
            continue
        function = function_of(call)
        if function == HOLD.name:
            await end_hold(client, call.id, CANCELED)
        elif call.tags.get("resonate:scope") == "local" or ("resonate:target" in call.tags and function is not None):
            is_at_work = await _end_waits(client, call) or is_at_work
        else:  # A sleep, or a promise for the outside.
            await client.reject(call.id, Canceled())
    return is_at_work


async def _open_calls(client: EngineClient, parent: str) -> AsyncIterator[PromiseRecord]:
    """The calls of a run or step that have not ended. What it left to itself is no part of the job."""
    async for call in calls_of(client, parent):
        if call.state == "pending" and not is_detached(call):
            yield call
