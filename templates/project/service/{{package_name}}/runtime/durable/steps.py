"""How durable functions and their steps are run: what is tried again, what ends a call, and what may come out of it.

The SDK runs again, for ever, a function whose result it cannot write, tries every exception again by its policy, and
lets a step that exits take the process along. Here

* a `Failure` ends its call at once; anything else is tried again by the call's policy, and logged each time;
* a value that the engine cannot keep is a failure that says where in the value and why;
* what leaves a step in any other way (`sys.exit`, a cancellation of its own) is a failure too;
* a plain ``def`` runs in a thread, where it may block.
"""

import asyncio
import contextlib
import contextvars
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any, NoReturn, Self

import msgspec
from resonate.context import Context, ResonateFuture
from resonate.durable import DurableFunction
from resonate.error import ConnectorError, PlatformError, SerializationError, Suspended
from resonate.retry import RetryPolicy
from resonate.tree import Tree
from resonate.types import Args

from ..engine.codec import encoded
from ..engine.misfits import does_not_fit, in_words
from ..engine.places import pause_without_place
from ..engine.retry import pause_before
from ..engine.sdk_events import HandedBack
from ..errors import EngineUnavailable, Failure, StepFailed, ValueNotKept
from ..outages import Lost
from ..telemetry import metrics
from ..telemetry.replays import write_at_once
from .bounds import RunBound, step_limit
from .calls import RecordedCalls, latest_end

logger = logging.getLogger(__name__)

AWAY_PAUSE = 2.0
"""Seconds after which a step that found the engine away is made again."""


class DurableContext(Context):
    """The `Context` that durable functions of this service get, and their steps."""

    has_own_bound = False
    """Whether this is a step's, which ends before the run that it belongs to."""

    @classmethod
    def of(cls, ctx: Context) -> Self:
        """The same call, with this class's ways."""
        return cls(ctx._state, ctx.opts)

    def run(self, fn: Any, *args: Any, **kwargs: Any) -> ResonateFuture[Any]:
        """Run a step. Raises what it raises: a `Failure` of any class, or `StepFailed`."""
        self._check_thread()
        future = super().run(fn, *args, **kwargs)
        if isinstance(self._state.effects, RecordedCalls):
            self._state.effects.name_step(future._id, _name(fn))
        return future

    def rpc(self, fn: Any, *args: Any, **kwargs: Any) -> ResonateFuture[Any]:
        """Call a durable function in any process; its arguments must be such as the engine keeps."""
        self._check_thread()
        encoded([args, kwargs], f"the arguments of {_name(fn)}")
        return super().rpc(fn, *args, **kwargs)

    def detached(self, fn: str, *args: Any, **kwargs: Any) -> ResonateFuture[str]:
        """Start a durable function that nobody here waits for."""
        self._check_thread()
        encoded([args, kwargs], f"the arguments of {_name(fn)}")
        return super().detached(fn, *args, **kwargs)

    def sleep(self, duration: timedelta) -> ResonateFuture[None]:
        """Sleep durably. Raises a `Failure` at once (code ``wait-past-deadline``) where the run would end before."""
        self._check_thread()
        future = super().sleep(duration)

        async def checked() -> None:
            await asyncio.wait([future._task])
            self.check_ends_in_time(future, f"a sleep of {duration}")
            await future

        task = asyncio.create_task(checked())
        self._state.spawned_remote_tasks.append(task)
        return ResonateFuture(_id=future._id, _task=task, _created=future._created)

    def name_gate(self, call: ResonateFuture[Any], name: str) -> None:
        """Record with a call, which was just made, at which gate it waits."""
        if isinstance(self._state.effects, RecordedCalls):
            self._state.effects.name_gate(call._id, name)

    def check_ends_in_time(self, call: ResonateFuture[Any], what: str) -> None:
        """See that a wait, which has been recorded, ends before the run does: the SDK cuts it to that, without a word.

        Raises:
            Failure: it does not; nothing waits for it any more.
        """
        state = self._state
        ends_at = state.effects.ends_at(call._id) if isinstance(state.effects, RecordedCalls) else None
        # The end of a run that a workflow called is known from its first call, by the engine's clock.
        slack = 0 if state.id == state.origin_id else 1000
        if ends_at is None or ends_at < min(state.timeout_at, latest_end.get()()) - slack:
            return
        state.tree.settle(call._id)
        if call._id in state.spawned_remote:
            state.spawned_remote.remove(call._id)
        message = (
            f"{what} in {state.func_name} would end after the deadline of its run: wait for less, or give it longer"
        )
        raise Failure(message, code="wait-past-deadline", status=500)

    async def attempts[T](
        self, attempt: Callable[[], Awaitable[T]], policy: RetryPolicy, bound: RunBound | None = None
    ) -> T:
        """The result of the first attempt that has one. A `Failure` ends them, and so does a durable call made.

        There is none that would begin after ``bound``. One that loses what it needs (see `outages`) is no attempt: it
        is repeated after the outage, or handed back. So is one that finds the engine away.
        """
        number = 1
        losses = 0
        while True:
            try:
                return await attempt()
            except EngineUnavailable as error:
                if self._state.workflow:
                    raise PlatformError([ConnectorError(error)]) from error
                await pause_without_place(self._state.sleeper(AWAY_PAUSE))
            except Lost as lost:
                losses += 1
                is_back = await self._wait_for_return(lost, losses, bound)
                if not is_back or self._state.workflow:
                    raise PlatformError([HandedBack(str(lost))]) from lost
            except Exception as error:
                final = isinstance(error, Failure) or self._state.workflow
                pause = None if final else pause_before(policy, number, error)
                if pause is None:
                    raise
                if bound is not None and pause >= bound.left:
                    raise bound.failure() from error
                await pause_without_place(self._state.sleeper(pause))
                number += 1

    async def _wait_for_return(self, lost: Lost, losses: int, bound: RunBound | None) -> bool:
        """Wait for what a run has lost, which takes nothing of its time and no place; False: hand the run back."""
        began = self._state.clock()
        ends_at = self.info.timeout_at if bound is None else bound.promise_ends_at
        is_back = False

        async def wait() -> None:
            nonlocal is_back
            is_back = await lost.resource.returned(losses, left=(ends_at - began) / 1000)

        await pause_without_place(wait())
        if bound is not None:
            bound.postpone(self._state.clock() - began)
        return is_back

    async def invoke_with_retry(
        self, df: DurableFunction, payload: Args, policy: RetryPolicy, *, coerce_args: bool = True
    ) -> Any:
        """Run a step: called by the SDK, on the step's own context."""

        async def attempt() -> Any:
            try:
                result = await contained(lambda: _call(df, self, payload), df.name)
            except (Failure, Lost, EngineUnavailable):
                raise
            except Exception as error:
                logger.warning("step %s of %s raised %s", df.name, self.info.id, type(error).__name__, exc_info=True)
                raise
            _check_result(df, result)
            return result

        write_at_once()
        try:
            async with step_limit(self, df.name) if self.has_own_bound else contextlib.nullcontext():
                return await self.attempts(attempt, policy)
        except Exception as error:
            self.leave_open_calls()
            if isinstance(error, Failure):
                raise
            raise StepFailed(df.name, type(error).__name__, str(error)) from error

    def leave_open_calls(self) -> None:
        """Let the function end now, whatever calls it has open: those end by themselves, and nobody hears of it."""
        state = self._state
        for task in (*(local.handle for local in state.spawned_locals), *state.spawned_remote_tasks):
            task.add_done_callback(_forget)
        state.spawned_locals, state.spawned_remote_tasks, state.spawned_remote = [], [], []
        left = _children(state.tree, state.id)
        while left:
            promise = left.pop()
            state.tree.settle(promise)  # The SDK checks that nothing is open.
            left += _children(state.tree, promise)

    def _child(self, id: str, func_name: str, timeout_at: int) -> Context:
        # A step that an earlier run began may end later than this run.
        child = DurableContext.of(super()._child(id, func_name, min(timeout_at, self._state.timeout_at)))
        child.has_own_bound = timeout_at < self._state.timeout_at
        return child

    def _coerce_settled(self, df: DurableFunction, value: Any) -> Any:
        try:
            return super()._coerce_settled(df, value)
        except PlatformError as error:
            why = error.cause.error if isinstance(error.cause, SerializationError) else error.cause
            raise does_not_fit(f"the recorded result of {df.name} cannot be read: {in_words(why)}") from error

    def _check_thread(self) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise TypeError(
                f"{self._state.func_name} is a plain function, which runs in a thread: make durable calls in an async def"
            ) from None


async def contained[T](call: Callable[[], Awaitable[T]], name: str) -> T:
    """Await a durable function or step; what would end the process or pass for a stop becomes :class:`StepFailed`."""
    try:
        return await call()
    except (Exception, Suspended, PlatformError, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseExceptionGroup as group:
        if isinstance(group, Exception) or not group.subgroup(Suspended):
            raise
        # The group has canceled what else it held, steps that were running included.
        raise TypeError("a TaskGroup cannot hold durable calls: await them in order, or with asyncio.gather") from None
    except BaseException as error:
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
            raise  # The process stops.
        logger.error("%s ended with %s", name, type(error).__name__, exc_info=True)
        raise StepFailed(name, type(error).__name__, str(error)) from error


async def _call(df: DurableFunction, ctx: Context, payload: Args) -> Any:
    function = df._fn
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None)):
        return await function(ctx, *payload.args, **payload.kwargs)
    result = await _in_thread(lambda: function(ctx, *payload.args, **payload.kwargs), df.name)
    return await result if inspect.isawaitable(result) else result


async def _in_thread[T](call: Callable[[], T], name: str) -> T:
    """What a call returns or raises in a thread of its own, which does not keep the process from ending."""
    loop, context = asyncio.get_running_loop(), contextvars.copy_context()
    done: asyncio.Future[Callable[[], T]] = loop.create_future()

    def settle(outcome: Callable[[], T]) -> None:
        if done.cancelled():
            metrics.ABANDONED_THREADS.dec()
        elif not done.done():
            done.set_result(outcome)

    def run() -> None:
        try:
            result = context.run(call)
            outcome: Callable[[], T] = partial(_return, result)
        except BaseException as error:
            outcome = partial(_raise, error)
        with contextlib.suppress(RuntimeError):  # The loop is closed: nobody waits any more.
            loop.call_soon_threadsafe(settle, outcome)

    threading.Thread(target=run, name=f"step {name}", daemon=True).start()
    try:
        return (await done)()
    except asyncio.CancelledError:
        if done.cancelled():
            metrics.ABANDONED_THREADS.inc()
            logger.warning("%s goes on in its thread, which nothing can stop, though its call has ended", name)
        raise


def _return[T](result: T) -> T:
    return result


def _raise(error: BaseException) -> NoReturn:
    raise error


def _check_result(df: DurableFunction, result: Any) -> None:
    """See that a step's result can be kept, and comes back as what the step says that it returns."""
    if result is None:
        return
    what = f"the result of {df.name}"
    try:
        df.coerce_result(msgspec.json.decode(encoded(result, what)))
    except SerializationError as error:
        raise ValueNotKept(f"{what} does not come back as {df.return_type!r}: {error.error}") from None


def _children(tree: Tree, promise: str) -> list[str]:
    node = tree.get(promise)
    return node.children if node else []


def _forget(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()


def _name(fn: Any) -> str:
    return fn if isinstance(fn, str) else getattr(fn, "__name__", type(fn).__name__)
