"""One run with all its calls, read by plain requests: so it can be shown on every engine, and with every token."""

import asyncio
from typing import Any

from resonate.ids import join_id
from resonate.types import PromiseRecord

from .call_names import GATE, function_of, group_of, name_of_call
from .client import EngineClient
from .listing import detached_id, is_detached
from .misfits import find_problem
from .presence import is_served
from .run_ids import roots_named, run_id
from .run_status import Status
from .runs import Call, Form, Run, RunTree, WaitingFor, end_of, error_in, moment
from .watch import Task, find_crash_problem, find_task

MOST_CALLS = 2000
"""Calls of one tree; what comes on top is left out."""

_IN_FLIGHT = 16
_LONGEST_WAVE = 32
_HOLD = "gate.hold"


async def find_tree(client: EngineClient, run: str) -> RunTree | None:
    """A run with its calls; None where there is no such run. ``run`` is its id, as the service, its clients or its logs spell it.

    Raises:
        EngineUnavailable: the engine does not answer.
    """
    for root in roots_named(client.namespace, run):
        record = await client.find(root)
        if record is not None and ":" not in root and function_of(record) is not None:
            return await _Reader(client).tree(record)
    return None


class _Reader:
    """Reads one tree. The requests for the calls of one call are made side by side, and not more than some at a time."""

    def __init__(self, client: EngineClient) -> None:
        self._client = client
        self._turns = asyncio.Semaphore(_IN_FLIGHT)
        self._left = MOST_CALLS
        self._served: dict[str, asyncio.Task[bool | None]] = {}

    async def tree(self, record: PromiseRecord) -> RunTree:
        root, runs = await asyncio.gather(self._call(record), self._runs(record.id))
        run = Run.of(self._client, record)
        return RunTree(run=run, root=root, runs=runs or [run], is_cut=self._left <= 0)

    async def _runs(self, root: str) -> list[Run]:
        """All runs of a job."""
        runs: list[Run] = []
        while (found := await self._find(run_id(root, len(runs) + 1))) is not None:
            runs.append(Run.of(self._client, found))
        return runs

    async def _call(self, record: PromiseRecord) -> Call:
        form = _form_of(record)
        group = group_of(record)
        status, ended_at = end_of(self._client, record)
        task = await self._task(record.id) if group is not None else None
        # What a sleep or a question waits for has no calls, but the promise that an answer settles.
        calls = [] if form in ("sleep", "gate", "promise") else await self._calls(record.id)
        data: Any = record.param.data
        return Call(
            id=record.id,
            name=record.tags.get(GATE, _HOLD) if form == "gate" else name_of_call(record),
            form=form,
            group=group,
            status=status,
            began_at=moment(record.created_at),
            ended_at=ended_at,
            ends_at=moment(record.timeout_at),
            version=data.get("version") if isinstance(data, dict) and form in ("call", "detached") else None,
            attempts=task.version if task else None,
            request=_request_of(data) if form in ("call", "detached") else None,
            result=record.value.data if record.state == "resolved" else None,
            error=error_in(record),
            waiting_for=await self._waiting_for(record, form, group, task) if status is Status.RUNNING else None,
            calls=calls,
        )

    async def _calls(self, parent: str) -> list[Call]:
        """The calls that one made itself."""
        if self._left <= 0:
            return []
        records = await self._children(parent)
        return list(await asyncio.gather(*map(self._call, records)))

    async def _children(self, parent: str) -> list[PromiseRecord]:
        """Their records: as `calls_of`, but within the bounds of this reader."""
        found: list[PromiseRecord] = []
        wave = 2
        first = 1
        while True:
            ids = [join_id(parent, str(number)) for number in range(first, first + wave)]
            for promise, record in zip(ids, await asyncio.gather(*map(self._find, ids)), strict=True):
                child = record or await self._find(detached_id(self._client, promise))
                if child is None or self._left <= 0:
                    return found
                self._left -= 1
                found.append(child)
            first, wave = first + wave, min(wave * 2, _LONGEST_WAVE)

    async def _waiting_for(
        self, record: PromiseRecord, form: Form, group: str | None, task: Task | None
    ) -> WaitingFor | None:
        """What an open call waits for; None where it goes on, or waits for its own calls."""
        ends_at = moment(record.timeout_at)
        if form == "sleep":
            return WaitingFor(kind="time", text="the end of its sleep", until=ends_at)
        if form == "gate" and not (task and task.state == "pending"):
            gate = record.tags.get(GATE)
            text = f"an answer at gate {gate}" if gate else "an answer at a gate"
            return WaitingFor(kind="answer", text=text, gate=gate, until=ends_at)
        if form == "promise":
            return WaitingFor(kind="answer", text=f"an answer to the promise {record.id}", until=ends_at)
        if task is None or group is None or task.state not in ("pending", "acquired"):
            return None
        engine_id = self._client.namespace.engine_id(record.id)
        if crashed := await find_crash_problem(self._client, engine_id, task):
            return WaitingFor(kind="worker", text=crashed, group=group, problem=crashed)
        if task.state == "acquired":
            return None
        problem = await find_problem(self._client, engine_id)
        served = await self._is_served(group)
        text = f"a worker of group {group}"
        if problem is not None:
            text += f" whose code fits it: {problem}"
        elif served is False:
            text = f"a worker of group {group}: no process serves it"
        elif served is None:
            text += ", of which nothing is known here"
        return WaitingFor(kind="worker", text=text, group=group, is_served=served, problem=problem)

    async def _is_served(self, group: str) -> bool | None:
        """Asked once a group."""
        if group not in self._served:
            self._served[group] = asyncio.create_task(is_served(self._client, group))
        return await self._served[group]

    async def _find(self, promise: str) -> PromiseRecord | None:
        async with self._turns:
            return await self._client.find(promise)

    async def _task(self, promise: str) -> Task | None:
        async with self._turns:
            return await find_task(self._client, self._client.namespace.engine_id(promise))


def _form_of(record: PromiseRecord) -> Form:
    if record.tags.get("resonate:scope") == "local":
        return "step"
    if record.tags.get("resonate:timer") == "true":
        return "sleep"
    function = function_of(record)
    if function is None:
        return "promise"
    if function == _HOLD:
        return "gate"
    return "detached" if is_detached(record) else "call"


def _request_of(task: Any) -> Any:
    """What a durable function was called with: the one argument of a contract's, else all that there are."""
    args, kwargs = task.get("args", []), task.get("kwargs", {})
    if len(args) == 1 and not kwargs:
        return args[0]
    return {"args": args, "kwargs": kwargs} if kwargs else args
