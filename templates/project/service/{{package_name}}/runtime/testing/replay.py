"""Replaying: whether today's code of a workflow still does what a history says.

A run that waits goes on after a deployment: from the top, on the new code, and its calls are answered by their numbers.
So code that makes other calls must not serve it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from itertools import zip_longest
from typing import Any

from resonate.context import Context
from resonate.dependencies import DependencyMap
from resonate.error import PlatformError, StoppedError, Suspended
from resonate.registry import Registry
from resonate.types import PromiseCreateReq, PromiseRecord

from ..durable.rpc import Registration
from ..engine.namespace import Namespace
from .history import Call, CallOutcome, History, value_difference
from .recording import record_calls

REPLAY_TIMEOUT = 5.0
"""Seconds. A replay waits for nothing, so one that takes longer does not end."""

_GUIDE = 'see "Changing a workflow" in runtime/README.md'


class Changed(Exception):
    """The code does not do what a history says: the first difference in one line, what to do in another."""


async def replay(history: History, served: Sequence[Registration], dependencies: Sequence[Any] = ()) -> None:
    """Run today's code of a workflow on the answers of a history.

    Nothing else runs, no step either: whatever the workflow may wait for is answered. ``dependencies`` are what its
    own code asks for, the settings most of all.

    Raises:
        Changed: at the first difference.
    """
    functions = {(entry.name, entry.version): entry.run for entry in served}
    function = functions.get((history.workflow, history.version))
    if function is None:
        raise Changed(
            f"it is no longer served.\nDelete the history if no run of it is left, else serve it again: {_GUIDE}."
        )
    registry, deps = Registry(), DependencyMap()
    for (name, version), known in functions.items():
        registry.register(name, known, version)
    for dependency in (Namespace(), *dependencies):
        deps.insert(dependency)
    with record_calls() as calls:
        ctx = Context.root(
            id=history.id,
            origin_id=history.id,
            timeout_at=history.timeout_at,
            clock=lambda: 0,  # The deadline of a recorded run passes some day.
            func_name=history.workflow,
            effects=_RecordedAnswers(history, calls),
            target_resolver=lambda group: group or "",
            deps=deps,
            registry=registry,
        )
        outcome = await _outcome(ctx, function, history.request)
    _compare(history, [call for call in calls if call.parent == history.id], outcome)


class _RecordedAnswers:
    """In the place of the engine: answers the calls of a history, and stops the workflow at any other."""

    def __init__(self, history: History, calls: Sequence[Call]) -> None:
        self._recorded = {call.id: call for call in history.calls}
        self._calls = calls

    async def create_promise(self, req: PromiseCreateReq) -> PromiseRecord:
        """What was answered."""
        recorded = self._recorded.get(req.id)
        now = next(call for call in reversed(self._calls) if call.id == req.id)
        if recorded is None or recorded.difference(now):
            raise PlatformError([StoppedError()])
        if recorded.kind == "step" and recorded.outcome.state == "pending":
            raise Suspended  # A pending step would run.
        return recorded.outcome.record(req.id)

    async def settle_promise(self, id: str, result: Any) -> PromiseRecord:
        """No step runs, so there is nothing to settle."""
        raise PlatformError([StoppedError()])


async def _outcome(ctx: Context, function: Callable[..., Awaitable[Any]], request: Any) -> CallOutcome:
    """How a replay ends."""
    try:
        async with asyncio.timeout(REPLAY_TIMEOUT) as limit:
            outcome = CallOutcome(state="resolved", value=await function(ctx, request))
    except Suspended:
        outcome = CallOutcome(state="pending")
    except PlatformError as error:
        outcome = CallOutcome.failure(error.cause)
    except Exception as error:
        if limit.expired():
            raise Changed("it does not end any more.\nA workflow waits for durable calls only.") from None
        outcome = CallOutcome.failure(error)
    with suppress(PlatformError):  # Calls that nobody awaits are stopped as well.
        await ctx.flush_local_work()
    return CallOutcome(state="pending") if ctx.take_remote_todos() else outcome


def _compare(history: History, made: Sequence[Call], outcome: CallOutcome) -> None:
    beside = f"under version {history.version + 1} and keep this one until its runs have ended: {_GUIDE}."
    for number, (recorded, now) in enumerate(zip_longest(history.calls, made), 1):
        if now is None:
            difference = f"was `{recorded.describe()}`, is no longer made; it ends with {outcome}"
        elif recorded is None:
            difference = f"is new: `{now.describe()}`"
        elif (found := recorded.difference(now)) is None:
            continue
        else:
            difference = found
        raise Changed(
            f"call {number} {difference}.\n"
            f"Running executions would read the wrong step's value. Serve the new shape {beside}"
        )
    # A run that timed out, or was canceled, was still waiting.
    was = CallOutcome(state="pending") if history.outcome.state.startswith("rejected_") else history.outcome
    same = (was.state, was.raised, was.message) == (outcome.state, outcome.raised, outcome.message)
    if was.kept is not None:  # Older histories have none.
        same = same and was.kept == outcome.kept
    if not same or value_difference(was.value, outcome.value, "result"):
        raise Changed(
            f"it ended with {was}, now with {outcome}.\n"
            f"If running executions should end so as well, record it again; else serve the new code {beside}"
        )
