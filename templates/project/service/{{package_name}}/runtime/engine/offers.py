"""The queue of a worker: runs that the engine has offered to it begin once, in turn, when there is a place for them.

The SDK begins a run for each message, in the order of messages. An engine offers a run again while nobody takes it, so
a backlog would be taken many times over. Here a run that is offered again keeps its turn, what was offered after the
worker began to drain is left to others, and runs of one function leave places to those of others (see `places`).
:class:`WorkerResonate` is the SDK's client with this queue, and with what is done about runs that do not fit the code
(`misfits`) or end their process (`suspects`).
"""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from resonate.core import Core
from resonate.effects import Effects
from resonate.error import PlatformError, ResonateError
from resonate.resonate import Resonate
from resonate.transport import ExecuteMsg, Message
from resonate.types import PromiseRecord, Status

from ..telemetry import metrics
from .call_names import function_of
from .misfits import Misfits, is_unknown, problem_of
from .places import Place, Places, pause_without_place
from .suspects import Suspects

if TYPE_CHECKING:
    from .client import EngineClient

logger = logging.getLogger(__name__)

_REMEMBERED = 10_000

# Seconds after a run was taken in which an offer of the same version is late. Not for ever: a restored engine counts anew.
_LATE = 30.0


@dataclass(slots=True)
class Offer:
    """A run that the engine offers. ``version`` is how often it was taken before; ``since`` is monotonic."""

    version: int
    since: float
    is_held_back: bool = False


@dataclass(slots=True)
class Taken:
    """The run that this worker has taken: its promise on the engine, and how often it was taken before.

    ``passes`` is how often it has begun since: the engine may ask for another pass where a call has ended meanwhile.
    ``began_at`` and ``last_end`` are Unix milliseconds by the engine's clock.
    """

    promise: PromiseRecord
    begun_before: int
    suspects: Suspects
    began_at: int
    passes: int = 0
    last_end: int = 0

    def note_call(self, call: PromiseRecord) -> None:
        """Note a call that the run makes, or made before: the last that had ended before it began is what woke it."""
        if call.settled_at is not None and self.last_end < call.settled_at <= self.began_at:
            self.last_end = call.settled_at

    def measure(self, group: str) -> None:
        """Measure how long the engine took to begin it."""
        if not self.begun_before:
            metrics.FIRST_START.labels(group).observe(max(self.began_at - self.promise.created_at, 0) / 1000)
        elif self.last_end:
            metrics.RESUME.labels(group).observe((self.began_at - self.last_end) / 1000)


_taken: ContextVar[Taken | None] = ContextVar("taken", default=None)
_offered: ContextVar[int] = ContextVar("offered", default=0)


def current_run() -> Taken | None:
    """The run that goes on here; None outside of a worker."""
    return _taken.get()


class Offers:
    """The runs that are offered to one worker."""

    def __init__(
        self,
        places: Places,
        misfits: Misfits,
        execute: Callable[[str, int], Awaitable[Any]],
        function_of: Callable[[str], Awaitable[str]],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self.places, self._misfits = places, misfits
        self._execute, self._function_of, self._spawn = execute, function_of, spawn
        self._waiting: dict[str, Offer] = {}
        self._unread: deque[str] = deque()
        self._taken: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._parked: set[asyncio.Task[Any]] = set()
        self._expected: dict[str, asyncio.Future[None]] = {}
        self._is_reading = False
        self._is_closed = False
        self._is_paused = False
        places.on_given = self._read

    def expect(self, run: str) -> asyncio.Future[None]:
        """A future that is done when a run is offered, which is not begun: a probe, until :meth:`forget`."""
        self._expected[run] = asyncio.get_running_loop().create_future()
        return self._expected[run]

    def forget(self, run: str) -> None:
        """Expect it no longer."""
        self._expected.pop(run, None)

    def add(self, run: str, version: int) -> None:
        """Note an offer. One that was taken already, or waits already, changes nothing."""
        if expected := self._expected.get(run):
            if not expected.done():
                expected.set_result(None)
            return
        taken, at = self._taken.get(run, (-1, 0.0))
        if self._is_closed or (version <= taken and monotonic() - at < _LATE):
            return
        if waiting := self._waiting.get(run):
            waiting.version = max(waiting.version, version)
            return
        delay = self._misfits.delay(run)
        self._waiting[run] = Offer(version, monotonic(), is_held_back=delay > 0)
        if delay:
            asyncio.get_running_loop().call_later(delay, self._let_in, run)
        else:
            self._let_in(run)

    def note_taken(self, run: str, version: int) -> None:
        """Note that this worker has taken a run: what offers this version again is late."""
        self._taken[run] = version, monotonic()
        self._taken.move_to_end(run)
        if len(self._taken) > _REMEMBERED:
            self._taken.popitem(last=False)

    def close(self) -> None:
        """Begin nothing any more: other workers are offered what waits here."""
        self._is_closed = True
        self._unread.clear()
        self._waiting.clear()
        for task in self._parked:
            task.cancel()

    def pause(self, paused: bool) -> None:
        """Begin nothing while ``paused``: what is offered keeps its turn, unless another worker takes it."""
        self._is_paused = paused
        self._read()

    def measure(self) -> None:
        """Set the gauges."""
        self.places.measure()
        metrics.PLACES.labels("held_back").set(self._misfits.count)
        oldest = min((offer.since for offer in self._waiting.values() if not offer.is_held_back), default=None)
        metrics.OLDEST_WAITING.set(0 if oldest is None else monotonic() - oldest)

    def _let_in(self, run: str) -> None:
        if run in self._waiting:
            self._unread.append(run)
            self._read()

    def _read(self) -> None:
        if self._unread and self.places.is_free and not self._is_reading and not self._is_paused:
            self._is_reading = True
            self._spawn(self._read_on())

    async def _read_on(self) -> None:
        """Begin the next runs while there are places; where one function may have no more, see whose they are."""
        try:
            while self._unread and self.places.is_free and not self._is_paused:
                run = self._unread.popleft()
                function = await self._function_of(run) if self.places.is_crowded else ""
                if not self._is_closed:
                    self._spawn(self._run(run, function, taken=self.places.take_now(function)))
        finally:
            self._is_reading = False

    async def _run(self, run: str, function: str, *, taken: bool) -> None:
        task = asyncio.current_task()
        assert task is not None
        if not taken:
            self._parked.add(task)
        try:
            async with Place(self.places, function).held(taken=taken):
                self._parked.discard(task)
                offer = self._waiting.pop(run, None)
                if offer is not None:  # Else the worker drains.
                    _offered.set(offer.version)
                    await self._execute(run, offer.version)
        finally:
            self._parked.discard(task)


class WorkerResonate(Resonate):
    """The SDK's client, which begins runs in turn."""

    def __init__(self, *, max_runs: int, function_share: float, **options: Any) -> None:
        # The SDK's own bound counts runs that wait for their next try, too.
        super().__init__(max_concurrent_tasks=1_000_000, **options)
        self.places = Places(max_runs, function_share)
        self.suspects = Suspects(options["ttl"])
        self.misfits = Misfits()
        self._made_at = monotonic()
        self.client: EngineClient | None = None
        """Set by `client.build`: what leaves notes in the engine."""
        self.offers = Offers(self.places, self.misfits, self._take, self._function_of, self._spawn)
        core = self._core
        parts = {name: getattr(core, name) for name in core.__struct_fields__}
        self._core = _WorkerCore(**parts, worker=self)

    @property
    def age(self) -> float:
        """Seconds since this was made."""
        return monotonic() - self._made_at

    def now_ms(self) -> int:
        """The engine's time, in Unix milliseconds."""
        return self._core.clock()

    def _on_message(self, msg: Message) -> None:
        if isinstance(msg, ExecuteMsg):
            self.offers.add(msg.task_id, msg.version)
        else:
            super()._on_message(msg)

    async def _take(self, run: str, version: int) -> None:
        try:
            await self._core.on_message(run, version)
        except ResonateError:
            # Another worker has it, or it failed before this code was asked.
            await self.misfits.release(None, run)
            raise

    async def _function_of(self, run: str) -> str:
        """The function of a run; "" where the engine does not tell."""
        try:
            record = await self.promises.get(run)
        except ResonateError:
            return ""
        return function_of(record) or ""


class _WorkerCore(Core, kw_only=True):
    """What the SDK does with a run that it has taken."""

    worker: WorkerResonate

    async def execute_until_blocked_outer(
        self, task_id: str, task_version: int, promise: PromiseRecord, preload: list[PromiseRecord]
    ) -> Status:
        worker, version = self.worker, _offered.get()
        worker.offers.note_taken(task_id, version)
        run = Taken(promise, version, worker.suspects, worker.now_ms())
        _taken.set(run)
        try:
            status = await super().execute_until_blocked_outer(task_id, task_version, promise, preload)
        except _HeldBack as held:
            # Before it is released, which offers it again at once.
            stay = worker.misfits.hold(promise, held.problem, unknown=held.is_unknown)
            with suppress(PlatformError):  # The worker drains.
                await pause_without_place(asyncio.sleep(min(stay, self.ttl / 2000)))
            await self.sender.task_release(task_id, task_version)
            if worker.client:
                await worker.misfits.leave_note(worker.client, promise)
            return "suspended"
        await worker.misfits.release(worker.client, task_id)
        run.measure(worker.client.group if worker.client else "")
        return status

    async def execute_until_blocked_inner(self, promise: PromiseRecord, effects: Effects) -> Any:
        try:
            return await super().execute_until_blocked_inner(promise, effects)
        except (ResonateError, PlatformError) as error:
            problem = problem_of(error)
            if problem is None:
                raise
            raise _HeldBack(problem, is_unknown(error)) from error


class _HeldBack(BaseException):
    """This code does not fit the run. The SDK lets it through, without a traceback in the log at each try."""

    def __init__(self, problem: str, is_unknown: bool) -> None:
        super().__init__(problem)
        self.problem, self.is_unknown = problem, is_unknown
