"""Sagas: steps of a workflow, each with what undoes it, where no transaction spans them.

    async with saga(ctx) as s:
        await s.do(reserve(ctx, Reserve(order_id=id)), undo=lambda: release(ctx, Release(order_id=id)))
        await s.do(charge(ctx, Charge(order_id=id)), undo=lambda: refund(ctx, Refund(order_id=id)))
        await s.do(ship(ctx, Ship(order_id=id)), undo=lambda: recall(ctx, Recall(order_id=id)))

Where the block is left by an exception, be it a failure, `Canceled` or a time-out, its steps are undone in reverse, the
last one first, and the exception goes on. An undo is a durable call, or several: it runs at least once, with its own
retries, and a crash in the middle goes on with it. To cancel the job does not stop it.

**What is undone.** A step that succeeded; and one whose outcome is unknown: it timed out, broke, or was canceled while it
may have run. So an undo gets no result, and has to bear that there is nothing to undo: `once.undo_once` does, also where
the step's write would come later than its undo. A step that was *refused* is not undone: a `Failure` with a status below
500 says that nothing was done, so a step that fails half-way through must not raise one. Nor is a step that never began.

**The deadline.** A run that reaches its deadline is stopped, undos and all. So calls inside of the block end
``undo_within`` before it, and leave that time to the undos.
"""

import inspect
import logging
from collections.abc import Awaitable, Callable, Generator
from contextvars import Token
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Protocol, Self

from resonate.context import Context, ResonateFuture

from ..errors import Canceled, EngineUnavailable, Failure, NotCompensated
from ..outages import Lost
from ..telemetry.runs import REFUSED, outcome_of
from .calls import RecordedCalls, latest_end
from .cancel_requests import UNDO, shielded
from .rpc import DurableCall

logger = logging.getLogger(__name__)

UNDO_WITHIN = timedelta(minutes=1)
"""What a saga leaves to its undos before the deadline of its run, where it does not say."""


class _Made[R](Protocol):
    """A durable call that has been made."""

    def __await__(self) -> Generator[Any, None, R]: ...


@dataclass(frozen=True, slots=True)
class _Step:
    name: str
    promise: str
    call: _Made[Any]
    undo: Callable[[], Awaitable[object]]


class Saga:
    """The steps of one saga: see :func:`saga`."""

    def __init__(self, ctx: Context, undo_within: timedelta) -> None:
        if undo_within <= timedelta(0):
            raise ValueError(f"undo_within must be more than nothing, and is {undo_within}")
        self._ctx = ctx
        self._reserved = undo_within.total_seconds() * 1000
        self._steps: list[_Step] = []
        self._outer: Token[Callable[[], float]] | None = None

    async def __aenter__(self) -> Self:
        state, outer = self._ctx._state, latest_end.get()
        calls = state.effects
        if isinstance(calls, RecordedCalls) and calls.time is not None and calls.time <= self._reserved:
            message = f"undo_within of a saga in {state.func_name} leaves its steps no time: the run has {calls.time / 1000:g} s"
            raise Failure(message, code="saga-without-time", status=500)
        self._outer = latest_end.set(lambda: min(outer(), state.timeout_at - self._reserved))
        return self

    async def do[R](self, call: _Made[R], *, undo: Callable[[], Awaitable[object]]) -> R:
        """The result of a durable call, which is undone by ``undo`` where the saga fails later, or the call itself.

        ``call`` has been made: ``reserve(ctx, …)``, ``ctx.run(step)``. ``undo`` is a function that makes durable calls
        when it is called, and returns them: ``lambda: release(ctx, …)``. It must find its variables unchanged: a lambda
        in a loop sees those of the last round, so give them to it: ``partial(release, ctx, Release(item=item))``.

        Raises what the call raises, or TypeError and RuntimeError for a use that would undo nothing.
        """
        future = call._future if isinstance(call, DurableCall) else call
        if not isinstance(future, ResonateFuture):
            raise TypeError("a saga takes durable calls: await s.do(reserve(ctx, …), undo=lambda: release(ctx, …))")
        if not callable(undo):
            raise TypeError("undo is a function, which is called when the saga fails: undo=lambda: release(ctx, …)")
        if self._outer is None:
            raise RuntimeError("the steps of a saga are made inside of its `async with`")
        # Before its outcome is known: it may be the one that fails half-way.
        self._steps.append(_Step(self._name(call, future), future._id, call, undo))
        return await call

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._outer is not None
        latest_end.reset(self._outer)
        self._outer = None
        # The run waits, its process stops, or something is away: it goes on later.
        if not isinstance(error, Exception) or isinstance(error, Lost | EngineUnavailable):
            return
        with shielded(UNDO):
            failed = await self._undo()
        if failed:
            code = error.code if isinstance(error, Failure) else "internal-error"
            for name, reason in failed.items():
                logger.error("saga: %s was not undone: %s: %s", name, type(reason).__name__, reason)
            raise NotCompensated(list(failed), code) from error

    async def _undo(self) -> dict[str, Exception]:
        """Undo the steps; returns those that could not be, by name, and why."""
        # All that still runs ends first: what is undone must not be done after that.
        undone = [step for step in self._steps if not await _has_done_nothing(step)]
        failed: dict[str, Exception] = {}
        for step in reversed(undone):
            try:
                call = step.undo()
                if not inspect.isawaitable(call):
                    raise TypeError(f"the undo of {step.name} returned {type(call).__name__}, and no durable call")
                await call
            except (Lost, EngineUnavailable):
                raise
            except Exception as error:
                failed[step.name] = error
        return failed

    def _name(self, call: object, future: ResonateFuture[Any]) -> str:
        if isinstance(call, DurableCall):
            return call._rpc.name
        calls = self._ctx._state.effects
        named = calls.step_name(future._id) if isinstance(calls, RecordedCalls) else None
        return named or future._id


def saga(ctx: Context, *, undo_within: timedelta = UNDO_WITHIN) -> Saga:
    """Begin a saga, in a workflow: ``async with saga(ctx) as s``. ``undo_within`` is what its undos need at most.

    Raises, from its block, what the block raised, once its steps are undone; or `NotCompensated`, a `Failure` with the
    names of the steps for which that failed (code ``not-compensated``).

        Failure: the run has no more time than ``undo_within`` (code ``saga-without-time``).
        ValueError: ``undo_within`` is not more than nothing.
    """
    return Saga(ctx, undo_within)


async def _has_done_nothing(step: _Step) -> bool:
    """Whether a step was refused, or never began. It has ended when this returns."""
    try:
        await step.call
    except (Lost, EngineUnavailable):
        raise
    except Canceled as error:
        return error.instead_of == step.promise
    except Failure as error:
        return outcome_of(error) == REFUSED
    except Exception:
        return False
    return False
