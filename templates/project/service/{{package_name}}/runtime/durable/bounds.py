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
from typing import Any

from resonate.context import Context, _State
from resonate.effects import Effects
from resonate.types import PromiseCreateReq, PromiseRecord

from ..errors import Failure

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
    """The bound of one run. ``timeout`` is the contract's; a job's own run is bounded by the job's deadline alone."""

    def __init__(self, ctx: Context, name: str, timeout: timedelta) -> None:
        self._name, self._timeout, self._state = name, timeout, ctx._state
        self._promise_ends_at = ctx.info.timeout_at
        self._scope: asyncio.Timeout | None = None
        self._ends_at = float(ctx.info.timeout_at)
        if ctx.info.id != ctx.info.origin_id:
            self._count_from(self._state.clock())
            self._state.effects = _FirstCall(self._state.effects, self)

    @property
    def left(self) -> float:
        """Seconds until the run ends."""
        slack = SLACK if self._ends_at >= self._promise_ends_at else 0
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

    def failure(self) -> Failure:
        """What a run that takes too long ends with."""
        ended = self._ends_at >= self._promise_ends_at
        within = "by the deadline of its job" if ended else f"within {self._timeout} of its start"
        return timed_out(f"{self._name} did not end {within}")

    def began(self, first_call: PromiseRecord) -> None:
        """Count from the first call of the run, in whichever process it was made."""
        self._count_from(first_call.created_at)
        if self._scope is not None and not self._scope.expired():
            self._scope.reschedule(asyncio.get_running_loop().time() + self.left)

    def _count_from(self, taken_at: int) -> None:
        self._ends_at = min(self._promise_ends_at, taken_at + self._timeout.total_seconds() * 1000)
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


class _FirstCall:
    """The SDK's effects, which tell a bound of the first call that a run makes."""

    def __init__(self, effects: Effects, bound: RunBound) -> None:
        self._effects, self._bound = effects, bound
        self._told = False

    async def create_promise(self, req: PromiseCreateReq) -> PromiseRecord:
        """See `Effects`."""
        record = await self._effects.create_promise(req)
        if not self._told:
            self._told = True
            self._bound.began(record)
        return record

    async def settle_promise(self, id: str, result: Any) -> PromiseRecord:
        """See `Effects`."""
        return await self._effects.settle_promise(id, result)
