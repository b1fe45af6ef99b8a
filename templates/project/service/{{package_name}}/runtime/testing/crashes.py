"""Kill a durable function's process at its exchanges with the engine, and compare with a run without a crash.

One line tests a workflow::

    def test_ship_survives_crashes(crashes: Crashes) -> None:
        crashes(ship, Ship(order_id="o-1"))

The process that runs it is killed at an exchange: before the request is sent, or after it was applied but before the
response arrives. Its lease lapses, a fresh process takes over and finishes. Then the result and the database's rows
must be those of the run without a crash, and every child id must have stood for the same call in both lives. No
workflow may read a clock or draw at random, whether or not it shows. And where something ran to its end but was not
recorded, it runs again at another time, with other uuids: it must not leave more rows for that.

A short workflow is crashed at every point. Of a longer one a sample is taken, spread evenly over the run: other points
each session, by a seed that pytest's header shows. ``--crashes=all`` takes every point.

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
from functools import partial
from itertools import pairwise
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
from .databases import Databases, read_rows
from .history import Call
from .recording import record_calls
from .running import open_calls

ROOT = "crash/test-1"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
LEASE = timedelta(seconds=1)
LIFE_TIMEOUT = 20
"""Seconds after which a life that does not come to rest counts as hung."""

CALLS_TO = "CRASHES_CALLS_TO"
"""Environment variable: a file to which calls are written instead of crashing anything (see `guarantees`)."""

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


@dataclass(frozen=True, slots=True)
class Sample:
    """How many points of a workflow are crashed (None: all), and the seed that chooses them."""

    most: int | None
    seed: int

    def of(self, points: Sequence[Kill]) -> list[Kill]:
        """All points, or one of each of ``most`` equal parts of the run."""
        if self.most is None or len(points) <= self.most:
            return list(points)
        choose = random.Random(f"{self.seed} {len(points)}")
        bounds = [len(points) * part // self.most for part in range(self.most + 1)]
        return [points[choose.randrange(first, end)] for first, end in pairwise(bounds)]


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


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run came to: its outcome, the rows by table, the calls in all lives, and the first life's exchanges."""

    outcome: Outcome
    rows: dict[str, list[str]]
    calls: list[Call]
    exchanges: list[str]


@dataclass(frozen=True)
class Crashes:
    """Crashes durable functions: the fixture `crashes`."""

    service: Service
    databases: Databases
    sample: Sample
    test: str

    def __call__[Q: BaseModel](
        self,
        contract: Rpc[Q, Any],
        request: Q,
        *,
        answers: Answers | None = None,
        served: Sequence[Registration] = (),
        dependencies: Sequence[Any] = (),
    ) -> Outcome:
        """Crash a durable function at its exchanges; returns the outcome that it has each time.

        ``answers`` are those of the outside at each gate, and must be given where there is one; a gate that has no
        answer in it is left to expire. ``served`` and ``dependencies`` are what there is besides the service's own.
        """
        url = self.databases.create()
        run = partial(
            self.run, contract, request, answers=answers, served=served, dependencies=dependencies, database_url=url
        )
        whole = run([None])
        _compare_calls(f"{contract.name}, without a crash", whole.calls)
        if record := os.environ.get(CALLS_TO):
            line = {"test": self.test, "calls": {call.id: _describe(call) for call in whole.calls}}
            with Path(record).open("a") as file:
                file.write(json.dumps(line) + "\n")
            return whole.outcome
        points = [Kill(number + 1, applied) for number in range(len(whole.exchanges)) for applied in (False, True)]
        for kill in self.sample.of(points):
            exchange = whole.exchanges[kill.exchange - 1]
            when = f"{'after' if kill.applied else 'before'} exchange {kill.exchange}, {exchange}"
            at = f"{contract.name}, killed {when} (--crash-seed {self.sample.seed})"
            crashed = run([kill, None])
            _compare_calls(at, crashed.calls)
            _compare_rows(at, whole.rows, crashed.rows)
            if crashed.outcome != whole.outcome:
                pytest.fail(f"{at}:\n  it ended as {crashed.outcome}\n  without a crash {whole.outcome}")
            if not kill.applied and "promise.settle" in exchange:  # What has run to its end runs again.
                _compare_again(at, whole, run([kill, None], drift=True))
        self.databases.drop(url)
        return whole.outcome

    def run[Q: BaseModel](
        self,
        contract: Rpc[Q, Any],
        request: Q,
        lives: Sequence[Kill | None] = (None,),
        *,
        drift: bool = False,
        answers: Answers | None = None,
        served: Sequence[Registration] = (),
        dependencies: Sequence[Any] = (),
        database_url: str | None = None,
    ) -> Ran:
        """Run a durable function, its process being killed as ``lives`` say.

        It has a database of its own, or the one at ``database_url``, whose rows are reset first.
        """
        url = database_url or self.databases.create()
        if database_url is not None:
            self.databases.reset(url)
        settings = self.service.settings(namespace="", database_url=url, use_fakes=True, _env_file=None)
        all_of_them = [*dev.registrations(self.service), *served]
        it = Run(self.service, contract, request, answers, all_of_them, dependencies, settings, drift=drift)
        with record_calls() as calls:
            exchanges = [it.live(kill) for kill in lives]
        if it.misuse:
            pytest.fail(it.misuse[0])
        return Ran(it.outcome(), read_rows(url), calls, exchanges[0])


async def _rest(client: EngineClient, connection: CrashingConnection) -> None:
    """Wait until nothing runs in this process, or until it is killed."""
    death = asyncio.create_task(connection.dead.wait())
    while not connection.dead.is_set() and (busy := {*client.resonate._runtime.bg_tasks, *connection.delivering}):
        await asyncio.wait({*busy, death}, return_when=asyncio.FIRST_COMPLETED)
    death.cancel()
    await asyncio.sleep(0)  # What was begun at the last moment has begun.


def _compare_calls(at: str, calls: Sequence[Call]) -> None:
    first: dict[str, Call] = {}
    for call in calls:
        before = first.setdefault(call.id, call)
        if _describe(before) != _describe(call):
            pytest.fail(
                f"{at}:\n  {call.id} was `{_describe(before)}`\n  and is `{_describe(call)}` when it runs again.\n"
                "A workflow must make the same calls whenever it runs: no clock, random value or I/O outside a step."
            )


def _compare_rows(at: str, expected: Mapping[str, list[str]], found: Mapping[str, list[str]]) -> None:
    for table, rows in expected.items():
        if found[table] != rows:
            pytest.fail(
                f"{at}:\n  table {table} has {found[table]}\n  and without a crash {rows}.\n"
                "A write that may run twice goes through `once` (runtime.durable.once); the time and uuids in it come "
                "from runtime.durable.clock."
            )


def _compare_again(at: str, whole: Ran, drifted: Ran) -> None:
    for what, expected, found in (
        ("it ended as", whole.outcome.status, drifted.outcome.status),
        *((f"rows in table {table}:", len(rows), len(drifted.rows[table])) for table, rows in whole.rows.items()),
    ):
        if found != expected:
            pytest.fail(
                f"{at}, and run again at another time, with other uuids:\n  {what} {found}\n"
                f"  without a crash {expected}.\n"
                "What names an operation, and what it asks for, must be the same whenever it runs: nothing of "
                "runtime.durable.clock."
            )


def _describe(call: Call) -> str:
    target = f" at {call.target}" if call.target else ""
    return f"{call.kind} {call.name} v{call.version}{target} {json.dumps(call.args, sort_keys=True)}"


def _describe_request(request: str) -> str:
    """A request to the engine, as its kind and the promise that it is about."""
    envelope = json.loads(request)
    data = envelope["data"]
    action = data.get("action") or {}
    inner = action.get("data", {}).get("id")
    return " ".join(filter(None, (envelope["kind"], action.get("kind"), inner or data.get("id"))))


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)
