"""A durable function that runs through several lives of its process, which is killed where a test says.

The engine is the SDK's own in-process server under a fake clock: no test waits for a lease or a deadline. A life is an
event loop of its own; what it had under way when it was killed is canceled with it, as a transaction is rolled back.
"""

import asyncio
import json
import os
import random
import secrets
import sys
import time
import uuid
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, MethodType
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import pytest
from pydantic import BaseModel
from resonate.connections import LocalConnection
from resonate.connections.local import OutgoingMessage, ServerState
from resonate.context import Context
from resonate.heartbeat import NoopHeartbeat
from resonate.resonate import Resonate
from resonate.testing import FakeClock, instant_sleeper
from resonate.types import Status

from .. import dev
from ..durable.clock import Clock
from ..durable.gate import Gate
from ..durable.rpc import Registration, Rpc
from ..engine import codec
from ..engine.client import EngineClient
from ..engine.namespace import Namespace
from ..engine.retry import STEP_RETRY
from ..engine.worker import register
from ..http.work import Outcome
from ..service import Service, functions_of
from ..settings import ServiceSettings
from .running import open_calls

ROOT = "crash/test-1"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
LEASE = timedelta(seconds=1)
LIFE_TIMEOUT = 20
"""Seconds after which a life that does not come to rest counts as hung."""


READS = {
    *(date.today, datetime.now, datetime.today, datetime.utcnow, time.time, time.time_ns, time.monotonic),
    *(uuid.uuid1, uuid.uuid4, os.urandom, secrets.token_bytes, secrets.token_hex, secrets.token_urlsafe),
    *(secrets.choice, secrets.randbelow, random.random, random.uniform, random.randint, random.randrange),
    *(random.choice, random.choices, random.sample, random.shuffle, random.getrandbits, random.randbytes),
}
"""Functions whose result changes between calls (clock, random, uuid)."""

_RUNTIME = str(Path(__file__).parents[1]) + os.sep
_PACKAGE = str(Path(__file__).parents[2]) + os.sep

_MONITOR = 4
"""The tool id for `sys.monitoring`: none that debuggers, coverage and profilers take."""

type Answers = Mapping[Gate[Any], BaseModel]


@dataclass(frozen=True, slots=True)
class Kill:
    """Where a process dies: at its ``exchange``-th request, the first being 1, before it is sent or once applied."""

    exchange: int
    applied: bool


class CrashingConnection(LocalConnection):
    """A process's connection to the engine, whose state outlives it. It hangs for good where ``kill`` says."""

    def __init__(self, state: ServerState, clock: FakeClock, kill: Kill | None) -> None:
        super().__init__(clock=clock)
        self.state = state
        self.kill = kill
        self.sent: list[str] = []
        self.dead = asyncio.Event()

    async def start(self) -> None:
        """Hand over every task that waits, as an engine does when a worker connects. Only `Run` lets time pass."""
        self.state.outgoing.clear()
        for task in self.state.tasks.values():
            target = self.state.promises[task.id].tags.get("resonate:target")
            if task.state == "pending" and target is not None:
                self.state.send_execute_message(target, task.id, task.version)
        self.flush()

    async def send(self, req: str, headers: dict[str, str] | None = None) -> str:
        if self.dead.is_set():
            return await self._hang()
        self.sent.append(_describe_request(req))
        fatal = self.kill is not None and len(self.sent) == self.kill.exchange
        if self.kill and fatal and not self.kill.applied:
            return await self._hang()
        response = await super().send(req, headers)
        return await self._hang() if fatal else response

    def flush(self) -> None:
        """Send queued engine messages to connected workers."""
        outgoing, self.state.outgoing = self.state.outgoing, []
        self._dispatch_messages(outgoing)

    async def _hang(self) -> str:
        self.dead.set()
        never: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        return await never

    @property
    def delivering(self) -> set[asyncio.Task[None]]:
        return self._dispatch_tasks


class CrashingResonate(Resonate):
    """Resonate client that closes coroutines still queued when it is killed."""

    async def _bounded_execute(self, coro: Coroutine[Any, Any, Status | None]) -> None:
        try:
            await super()._bounded_execute(coro)
        finally:
            coro.close()


class OtherClients(LocalConnection):
    """Requests from other clients; the crash harness does not count or interrupt them."""

    def __init__(self, connection: CrashingConnection, clock: FakeClock) -> None:
        super().__init__(clock=clock)
        self.state = connection.state
        self._connection = connection

    def _dispatch_messages(self, messages: list[OutgoingMessage]) -> None:
        self._connection._dispatch_messages(messages)


@dataclass
class Run:
    """One run of a durable function, through as many lives of its process as it takes."""

    service: Service
    contract: Rpc[Any, Any]
    request: BaseModel
    answers: Answers | None
    served: Sequence[Registration]
    dependencies: Sequence[Any]
    settings: ServiceSettings
    state: ServerState = field(default_factory=ServerState)
    clock: FakeClock = field(default_factory=lambda: FakeClock(_milliseconds(NOW)))
    misuse: list[str] = field(default_factory=list)
    drift: bool = False
    """Whether each life has another time, and other uuids."""

    lives: int = 0

    def __post_init__(self) -> None:
        functions = [entry.function for entry in self.served if isinstance(entry.function, FunctionType)]
        self._own = (_PACKAGE, *{str(Path(it.__code__.co_filename).parent) + os.sep for it in functions})
        self._workflows = {
            entry.function.__code__: entry.name
            for entry in self.served
            if entry.contract.group == "workers" and isinstance(entry.function, FunctionType)
        }

    def live(self, kill: Kill | None = None) -> list[str]:
        """Run a process until everything is done, or until it is killed. Returns its exchanges with the engine."""
        connection = CrashingConnection(self.state, self.clock, kill)
        self.lives += 1
        with self._watched(), asyncio.Runner() as runner:
            runner.run(self._live(connection))
        self.clock.advance(seconds=LEASE.total_seconds())
        self.state.tick(self.clock.now)
        return connection.sent

    def outcome(self) -> Outcome:
        """How it ended."""

        async def read() -> Outcome:
            connection = LocalConnection(clock=self.clock)
            connection.state = self.state
            return Outcome.of(await self._client(connection).resonate.promises.get(ROOT))

        return asyncio.run(read())

    def _client(self, connection: LocalConnection) -> EngineClient:
        resonate = CrashingResonate(
            network=connection,
            group=dev.GROUP,
            ttl=LEASE,
            retry_policy=STEP_RETRY,
            heartbeat=NoopHeartbeat(),
            # One task at a time: two that write at once would number their rows by chance.
            max_concurrent_tasks=1,
            clock=self.clock,
            sleeper=instant_sleeper,
            subscription_refresh_secs=0,
            env={},
            autostart=False,
        )
        codec.use(resonate)
        return EngineClient(resonate, connection, connection, Namespace(), dev.GROUP)

    async def _live(self, connection: CrashingConnection) -> None:
        opened = self.service.dependencies(self.settings, self.service.workers())
        async with opened as dependencies:
            client = self._client(connection)
            register(client, functions_of(self.served), [*dependencies, self._pinned_clock(), *self.dependencies])
            try:
                async with asyncio.timeout(LIFE_TIMEOUT):
                    await self._work(client, connection)
            except TimeoutError:
                what = f"{self.contract.name}: its process did not come to rest within {LIFE_TIMEOUT} s"
                pytest.fail(f"{what}\n{open_calls(client)}", pytrace=False)

    async def _work(self, client: EngineClient, connection: CrashingConnection) -> None:
        client.resonate.start()
        await _rest(client, connection)
        others = self._client(OtherClients(connection, self.clock))
        await self._start(others)
        await _rest(client, connection)
        while not connection.dead.is_set() and self.state.promises[ROOT].state == "pending":
            if not await self._answer(others):
                self._let_time_pass(connection)
            await _rest(client, connection)

    def _pinned_clock(self) -> Clock:
        uuids: dict[str, int] = {}
        life = self.lives if self.drift else 1

        def now(ctx: Context) -> datetime:
            self._refuse_in_workflow(ctx, "the time")
            return NOW + timedelta(seconds=life - 1)

        def new_uuid(ctx: Context) -> UUID:
            self._refuse_in_workflow(ctx, "a new uuid")
            number = uuids[ctx.info.id] = uuids.get(ctx.info.id, 0) + 1
            return uuid5(NAMESPACE_OID, f"{ctx.info.id} {number} {life}")

        return Clock(now=now, new_uuid=new_uuid)

    async def _start(self, others: EngineClient) -> None:
        """Start the work, as the API would; starting it again changes nothing."""
        contract = self.contract
        timeout_at = _milliseconds(NOW + contract.job_timeout(others))
        tags = {"resonate:target": f"poll://any@{contract.group}"}
        await others.create(ROOT, contract.task(self.request), timeout_at, tags)

    async def _answer(self, others: EngineClient) -> bool:
        """Answer the gates that are open; False where there are none."""
        given = False
        for question in self._open_questions():
            for gate, answer in (self.answers or {}).items():
                if root := gate.root_of(question):
                    await gate.deliver(others, root, answer)
                    given = True
        return given

    def _let_time_pass(self, connection: CrashingConnection) -> None:
        """Nothing runs: go to the next deadline, at which something wakes up."""
        if self.answers is None and (questions := self._open_questions()):
            pytest.fail(
                f"{self.contract.name} waits for an answer to {questions[0]}\n"
                "Give one, so that what comes after it is crashed too: `answers={gate: answer}`. "
                "Or `answers={}`, and it expires."
            )
        deadlines = {item.timeout for item in self.state.p_timeouts if item.id != ROOT}
        if not deadlines:
            waiting = [promise.id for promise in self.state.promises.values() if promise.state == "pending"]
            pytest.fail(f"{self.contract.name} waits for ever; pending are {', '.join(waiting)}")
        self.clock.now = max(self.clock.now, min(deadlines))
        self.state.tick(self.clock.now)
        connection.flush()

    def _open_questions(self) -> list[str]:
        """The questions that wait at gates: roots that nobody works on."""
        return [
            promise.id
            for promise in self.state.promises.values()
            if promise.state == "pending" and ":" not in promise.id and "resonate:target" not in promise.tags
        ]

    def _refuse_in_workflow(self, ctx: Context, what: str) -> None:
        is_root = self.state.promises[ctx.info.id].tags["resonate:scope"] == "global"
        if is_root and ctx.info.func_name in self._workflows.values():
            self.misuse.append(f"{ctx.info.func_name} reads {what} in the workflow itself: read it in a step")
            raise AssertionError(self.misuse[-1])

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """See what the service's own code calls: a date, say, is the same in both lives, but not tomorrow."""
        monitor, event = sys.monitoring, sys.monitoring.events.CALL
        monitor.use_tool_id(_MONITOR, "crashes")
        monitor.register_callback(_MONITOR, event, self._see)
        monitor.set_events(_MONITOR, event)
        try:
            yield
        finally:
            monitor.set_events(_MONITOR, monitor.events.NO_EVENTS)
            monitor.free_tool_id(_MONITOR)

    def _see(self, code: CodeType, offset: int, called: object, _: object) -> object:
        if not code.co_filename.startswith(self._own) or code.co_filename.startswith(_RUNTIME):
            return sys.monitoring.DISABLE
        if isinstance(called, BuiltinFunctionType | FunctionType | MethodType) and called in READS:
            at = sys._getframe(1)
            if (workflow := self._running(at)) is not None:
                where = f"{Path(code.co_filename).name}:{at.f_lineno}"
                self.misuse.append(
                    f"{workflow} calls {called.__qualname__} in the workflow itself ({where}): read it in a step"
                )
        return None

    def _running(self, frame: FrameType | None) -> str | None:
        """The workflow whose own code a frame is of, or is called by: a step is a task of its own."""
        while frame is not None:
            if frame.f_code in self._workflows:
                return self._workflows[frame.f_code]
            frame = frame.f_back
        return None


async def _rest(client: EngineClient, connection: CrashingConnection) -> None:
    """Wait until nothing runs in this process, or until it is killed."""
    death = asyncio.create_task(connection.dead.wait())
    while not connection.dead.is_set() and (busy := {*client.resonate._runtime.bg_tasks, *connection.delivering}):
        await asyncio.wait({*busy, death}, return_when=asyncio.FIRST_COMPLETED)
    death.cancel()
    await asyncio.sleep(0)  # What was begun at the last moment has begun.


def _describe_request(request: str) -> str:
    """A request to the engine, as its kind and the promise that it is about."""
    envelope = json.loads(request)
    data = envelope["data"]
    action = data.get("action") or {}
    inner = action.get("data", {}).get("id")
    return " ".join(filter(None, (envelope["kind"], action.get("kind"), inner or data.get("id"))))


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)
