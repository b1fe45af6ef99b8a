"""How long one run of a durable call may take, from when a worker takes it.

A call waits in the engine for as long as its job lives, so a group that is away fails nothing. The bound of its
contract begins when a worker takes the call, and ends the call where it runs.

A workflow runs again at each wake. Its bound counts from its first call, whose record says when that was made, and all
its calls end with it: that wakes it up.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from resonate.context import Context, _State
from resonate.types import PromiseRecord

from ..engine.offers import current_run
from ..errors import Failure
from .calls import RecordedCalls

SLACK = 2.0
"""Seconds after the end of its promise at which a run is canceled: clocks differ, and its promise should end first."""


def timed_out(message: str) -> Failure:
    """The failure of what took too long."""
    return Failure(message, code="timed-out", status=504)


def cancel_steps(state: _State) -> None:
    """Cancel the steps of a run or step that ends; one that it awaits has been canceled with it."""
    for local in state.spawned_locals:
        local.handle.cancel()


class RunBound:
    """The bound of one run. ``timeout`` is the contract's; a job's own run is bounded by the job's deadline alone, as
    is one without.
    """

    def __init__(self, ctx: Context, calls: RecordedCalls, name: str, timeout: timedelta | None) -> None:
        self._name, self._timeout, self._state = name, timeout or timedelta.max, ctx._state
        self.promise_ends_at = ctx.info.timeout_at
        self._scope: asyncio.Timeout | None = None
        self._has_called = False
        self._ends_at = float(ctx.info.timeout_at)
        if (run := current_run()) is not None:
            calls.time = run.promise.timeout_at - run.promise.created_at
            if timeout is not None and ctx.info.id != ctx.info.origin_id:
                calls.time = min(calls.time, timeout.total_seconds() * 1000)
        if timeout is not None and ctx.info.id != ctx.info.origin_id:
            self._count_from(self._state.clock())
            calls.listen(self._count_from_first)

    @property
    def left(self) -> float:
        """Seconds until the run ends."""
        slack = SLACK if self._ends_at >= self.promise_ends_at else 0
        return (self._ends_at - self._state.clock()) / 1000 + slack

    @asynccontextmanager
    async def applied(self) -> AsyncIterator[None]:
        """Cancel what is inside at the run's end.

        Raises:
            Failure: the time is over (code ``timed-out``).
        """
        try:
            async with asyncio.timeout(self.left) as self._scope:
                yield
        except TimeoutError:
            if self._scope is None or not self._scope.expired():
                raise
            cancel_steps(self._state)
            raise self.failure() from None

    def postpone(self, milliseconds: int) -> None:
        """Leave out a time in which the run waited for what was away. The job's deadline holds."""
        self._ends_at = min(self.promise_ends_at, self._ends_at + milliseconds)
        self._state.timeout_at = int(self._ends_at)

    def failure(self) -> Failure:
        """What a run that takes too long ends with."""
        ended = self._ends_at >= self.promise_ends_at
        within = "by the deadline of its job" if ended else f"within {self._timeout} of its start"
        return timed_out(f"{self._name} did not end {within}")

    def _count_from_first(self, call: PromiseRecord, is_new: bool) -> None:
        """Count from the first call of the run, in whichever process it was made."""
        if self._has_called:
            return
        self._has_called = True
        self._count_from(call.created_at)
        if self._scope is not None and not self._scope.expired():
            self._scope.reschedule(asyncio.get_running_loop().time() + self.left)

    def _count_from(self, taken_at: int) -> None:
        self._ends_at = min(self.promise_ends_at, taken_at + self._timeout.total_seconds() * 1000)
        # Calls end with the run: none is left to wake it up later.
        self._state.timeout_at = int(self._ends_at)


@asynccontextmanager
async def step_limit(ctx: Context, name: str) -> AsyncIterator[None]:
    """Cancel a step a moment before its promise ends, so that it ends in words.

    Raises:
        Failure: its time is over (code ``timed-out``).
    """
    left = (ctx.info.timeout_at - ctx._state.clock()) / 1000
    try:
        async with asyncio.timeout(left - min(left / 20, 1)) as scope:
            yield
    except TimeoutError:
        if not scope.expired():
            raise
        cancel_steps(ctx._state)
        raise timed_out(f"{name} did not end in time") from None
