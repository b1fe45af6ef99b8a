"""Recording: what a workflow asks of the engine, seen where it asks, and written down as a history.

The engine's records do not name the functions of steps, so the calls are read from the SDK's `Context`.
"""

import asyncio
import logging
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any
from unittest.mock import patch

from pydantic import BaseModel, ValidationError
from pydantic_settings import EnvSettingsSource
from resonate.codec import Codec, NoopEncryptor
from resonate.connections import LocalConnection
from resonate.context import Context, ResonateFuture
from resonate.error import SerializationError
from resonate.types import PromiseRecord

from .. import database, dev
from ..durable.gate import Gate
from ..durable.rpc import Registration, Rpc
from ..engine.client import EngineClient
from ..errors import CannotRecord
from ..http.signatures import new_secret
from ..http.webhooks import webhooks_of
from ..service import Service
from ..settings import ServiceSettings
from ..telemetry import logs
from .history import AnsweredCall, Call, CallOutcome, History, Kind

RUN_TIMEOUT = 30.0
"""Seconds until a run that has not ended counts as one that never will."""

NOBODY = "nobody"
"""In the place of an answer: none comes in time."""

_JOB_TIMEOUT = timedelta(days=3650)  # Longer than anything that a workflow waits for.
_CODEC = Codec(NoopEncryptor())
_METHODS: dict[str, Kind] = {
    "run": "step",
    "rpc": "rpc",
    "sleep": "sleep",
    "promise": "promise",
    "detached": "detached",
}

_recordings: list[list[Call]] = []
_originals: dict[str, Callable[..., Any]] = {}


@contextmanager
def record_calls() -> Iterator[list[Call]]:
    """Yield a list that gets every durable call which this process makes, in order, those of replays too.

    For tests and tools: the SDK's `Context` is patched for as long as somebody records. Recordings may overlap in one
    thread; they are not made for several threads.
    """
    calls: list[Call] = []
    if not _recordings:
        for method, kind in _METHODS.items():
            _originals[method] = getattr(Context, method)
            setattr(Context, method, _recorded(_originals[method], kind))
    _recordings.append(calls)
    try:
        yield calls
    finally:
        _recordings[:] = [other for other in _recordings if other is not calls]
        if not _recordings:
            for method, original in _originals.items():
                setattr(Context, method, original)


def _recorded(original: Callable[..., ResonateFuture[Any]], kind: Kind) -> Callable[..., ResonateFuture[Any]]:
    @wraps(original)
    def make(ctx: Context, *args: Any, **kwargs: Any) -> ResonateFuture[Any]:
        # Read before the call: whoever receives the arguments may change them.
        asked = _asked(ctx, kind, *args, **kwargs)
        future = original(ctx, *args, **kwargs)
        # The id is known at once, but public only to those who await the engine.
        call = Call(id=future._id, parent=ctx.info.id, kind=kind, **asked)
        for calls in _recordings:
            calls.append(call)
        return future

    return make


def _asked(ctx: Context, kind: Kind, fn: Any = None, *values: Any, **kwargs: Any) -> dict[str, Any]:
    """What a call asks for, but for its id. Its timeout does not count: the engine keeps to the first one."""
    if kind in ("sleep", "promise"):
        return {}
    # Given as an object, an rpc goes to what it was registered as; a name carries the options' version.
    registered = ctx._state.registry.reverse(fn) if kind == "rpc" and not isinstance(fn, str) else None
    name, version = registered or (_name(fn), ctx.opts.version if isinstance(fn, str) else 1)
    return {
        "name": name,
        "version": version,
        "target": ctx.opts.target if kind != "step" else None,
        "args": [_as_json(value) for value in ([*values, kwargs] if kwargs else values)],
    }


def _name(fn: Any) -> str:
    return fn if isinstance(fn, str) else getattr(fn, "__qualname__", type(fn).__qualname__)


def _as_json(value: Any) -> Any:
    try:
        return _CODEC.decode(_CODEC.encode([value]))[0]
    except SerializationError:
        return f"<{type(value).__qualname__}>"


def find_workflow(spec: str, served: Sequence[Registration], group: str) -> Rpc[Any, Any]:
    """The contract of ``name`` or ``name@version`` in a group; without a version, the highest that is served.

    Raises:
        CannotRecord: there is none.
    """
    name, _, version = spec.partition("@")
    found = [entry.contract for entry in served if entry.contract.group == group]
    fitting = [c for c in found if c.name == name and version in ("", str(c.version))]
    if not fitting:
        known = ", ".join(f"{c.name}@{c.version}" for c in found) or "none yet"
        raise CannotRecord(f"there is no workflow {spec!r}", f"Workflows: {known}")
    return max(fitting, key=lambda contract: contract.version)


def parse[M: BaseModel](model: type[M], text: str, what: str) -> M:
    """A model from JSON that somebody typed.

    Raises:
        CannotRecord: it does not fit.
    """
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        items = error.errors(include_url=False, include_input=False)
        wrong = [": ".join(filter(None, (".".join(map(str, item["loc"])), item["msg"]))) for item in items]
        raise CannotRecord(f"{what} does not fit: {'; '.join(wrong)}", f"It is JSON: '{_outline(model)}'") from None


async def record(
    client: EngineClient,
    gates: dict[str, Gate[Any]],
    contract: Rpc[Any, Any],
    promise_id: str,
    request: BaseModel,
    answers: Sequence[tuple[str, str]] = (),
) -> History:
    """Run a workflow to its end on an engine in this process, in the empty namespace, and return what it did.

    ``answers`` are pairs of a gate, by name or as ``name/root``, and its answer as JSON, or :data:`NOBODY`; those of one
    gate are given in turn, as the workflow waits. Sleeps end at once.

    Raises:
        CannotRecord: it does not end, waits for what is not there, or does something else at each replay.
    """
    run = _Run(client, gates, promise_id, answers)
    with record_calls() as calls:
        started = await contract.start(client, promise_id, request, timeout=_JOB_TIMEOUT)
        ended = await run.end(calls)
    made: dict[str, Call] = {}
    for call in calls:
        if call.parent == promise_id and (difference := made.setdefault(call.id, call).difference(call)):
            raise CannotRecord(
                f"when it ran again, call {list(made).index(call.id) + 1} {difference}",
                "A workflow makes the same calls whenever it runs: leave clocks, random values and the like to steps",
            )
    return History(
        workflow=contract.name,
        version=contract.version,
        id=promise_id,
        timeout_at=started.timeout_at,
        request=request.model_dump(mode="json"),
        calls=[
            AnsweredCall(**call.model_dump(exclude={"parent"}), outcome=CallOutcome.of(await run.find(call.id)))
            for call in made.values()
        ],
        outcome=CallOutcome.of(ended),
    )


def record_to_file(
    service: Service,
    workflow: str,
    request: str,
    answers: Sequence[str],
    run_id: str | None,
    output: Path | None,
    *,
    given: Sequence[str] = (),
    force: bool,
) -> str:
    """The command `record`: run a workflow with an engine, a database and settings of its own, and write its history.

    ``answers`` are ``GATE=JSON``, ``given`` are settings as ``NAME=VALUE``. Neither the environment nor `.env` is read:
    a run that is recorded must not send what a real one sends. Returns what was written, in a line.

    Raises:
        CannotRecord: see :func:`record`; or the file holds another history, or cannot be written.
    """
    kind, _, name = (run_id or f"record/{workflow.partition('@')[0]}").partition("/")
    if not kind or not name or ":" in name:
        raise CannotRecord(f"--id {run_id} is not KIND/NAME", "Give one without a colon, such as job/approved.")
    contract = find_workflow(workflow, dev.registrations(service), "workers")
    asked = parse(contract.request, request, "the request")
    pairs = [(gate, answer) for gate, _, answer in (text.partition("=") for text in answers)]
    history = _record_apart(service, contract, f"{kind}/{name}", asked, pairs, given)
    suffix = "-" + re.sub(r"[^A-Za-z0-9_.-]", "-", name) if run_id else ""
    path = output or Path("tests", "histories", f"{contract.name}-v{contract.version}{suffix}.json")
    try:
        if path.exists() and path.read_bytes() != history.text().encode() and not force:
            raise CannotRecord(f"{path} holds another history", "Replace it with --force, or give another --id")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(history.text().encode())
    except OSError as error:
        raise CannotRecord(f"{path} cannot be written: {error.strerror}", "Give another --output") from None
    calls = f"{len(history.calls)} call" + ("s" if len(history.calls) != 1 else "")
    ended = "resolved" if history.outcome.state == "resolved" else f"failed: {history.outcome.message}"
    return f"{path}: {contract.name} (version {contract.version}), {calls}, {ended}"


def _record_apart(
    service: Service,
    contract: Rpc[Any, Any],
    promise_id: str,
    request: BaseModel,
    answers: Sequence[tuple[str, str]],
    given: Sequence[str],
) -> History:
    """Record with an engine in this process, and a database and settings for the occasion."""
    with (
        TemporaryDirectory(ignore_cleanup_errors=True) as scratch,
        patch.dict(os.environ, OTEL_SDK_DISABLED="true"),  # No trace of it beside those of real runs.
    ):
        url = f"sqlite:///{scratch}/record.db"
        settings = settings_apart(
            service.settings,
            given,
            namespace="",
            webhook_secrets=secrets_for(service, new_secret()),
            database_url=url,
            resonate_url=None,
            log_level="WARNING",
            shutdown_grace=0,
        )
        logs.configure(settings.log_level, settings.log_format)
        # The SDK logs a traceback for whatever it tries again; what a run failed of stands in its history.
        logging.getLogger("resonate").setLevel(logging.CRITICAL)
        database.migrate(url, service.migrations)
        database.seed(url, service.package)

        async def run() -> History:
            app = dev.create_app(service, settings, tick=0.05)
            async with app.router.lifespan_context(app):
                return await record(app.state.client, service.gates(), contract, promise_id, request, answers)

        return asyncio.run(run())


def secrets_for(service: Service, secret: str) -> dict[str, tuple[str]]:
    """WEBHOOK_SECRETS in which every webhook of the service has this one: to record, and in tests."""
    routers = getattr(service.module("api.app"), "ROUTERS", [])
    return {webhook.name: (secret,) for webhook in webhooks_of(route for router in routers for route in router.routes)}


def settings_apart(kind: type[ServiceSettings], given: Sequence[str], **values: Any) -> ServiceSettings:
    """Settings that are read from nowhere: the defaults, ``values``, and ``given`` as ``NAME=VALUE``.

    Raises:
        CannotRecord: one is missing, unknown or wrong.
    """
    for name, equals, value in (text.partition("=") for text in given):
        source = EnvSettingsSource(kind, case_sensitive=False)
        source.env_vars = {name.lower(): value}
        if not equals or not (found := source()):
            raise CannotRecord(f"--set {name} is no setting", "Give NAME=VALUE, as .env.example has them.")
        values = {**found, **values}
    settings = kind.__new__(kind)
    try:
        # As `BaseSettings.__init__` does at its end, when it has asked the sources.
        BaseModel.__init__(settings, **values)
    except ValidationError as error:
        wrong = [(str(item["loc"][0] if item["loc"] else "").upper(), item["msg"]) for item in error.errors()]
        raise CannotRecord(
            f"settings for the run: {'; '.join(f'{name}: {why}' if name else why for name, why in wrong)}",
            f"Neither the environment nor .env is read. Give it for this run: --set {wrong[0][0] or 'NAME'}=…",
        ) from None
    return settings


@dataclass(frozen=True, slots=True)
class _Answer:
    to: str
    gate: Gate[Any]
    payload: BaseModel | None
    """None where nobody answers."""


class _Run:
    """A run that is recorded. Whatever it waits for is supplied, or reported as missing."""

    def __init__(
        self, client: EngineClient, gates: dict[str, Gate[Any]], promise_id: str, answers: Sequence[tuple[str, str]]
    ) -> None:
        if not isinstance(client.network, LocalConnection) or client.namespace.name:
            raise TypeError("a history is recorded on an engine in this process, in the empty namespace")
        self._client = client
        self._state = client.network.state
        self._promises = self._state.promises
        self._id = promise_id
        self._gates = gates
        self._answers = [self._parse(*answer) for answer in answers]

    def _parse(self, to: str, text: str) -> _Answer:
        gate = self._gates.get(to.partition("/")[0])
        if gate is None:
            raise CannotRecord(f"there is no gate {to!r}", f"Gates: {', '.join(self._gates) or 'none yet'}")
        if text == NOBODY:
            return _Answer(to, gate, None)
        return _Answer(to, gate, parse(gate.payload, text, f"the answer to gate {to}"))

    async def end(self, calls: Sequence[Call]) -> PromiseRecord:
        """The record of the run, once it has ended."""
        deadline = monotonic() + RUN_TIMEOUT
        while (ended := await self.find(self._id)).state == "pending":
            pending = [id for id, promise in self._promises.items() if promise.state == "pending" and id != self._id]
            for id in pending:
                for gate in self._gates.values():
                    if "resonate:target" not in self._promises[id].tags and (root := gate.root_of(id)):
                        await self._deliver(gate, root, id)
            for call in calls:
                if call.kind == "sleep" and call.id in pending:
                    await self._client.resolve(call.id, None)
                elif call.kind in ("rpc", "detached") and call.id in pending:
                    await self._check_served(call)
            if monotonic() > deadline:
                waits = [call for call in calls if call.id in pending and call.parent == self._id]
                what = f"waits for `{waits[0].describe()}`" if waits else "has not ended"
                raise CannotRecord(
                    f"after {RUN_TIMEOUT:.0f} s it {what}", "A run is recorded to its end: see the log above"
                )
            await asyncio.sleep(0.01)
        for left in self._answers:
            raise CannotRecord(f"it ended, and never waited for an answer to {left.to}", "Leave that --answer out")
        return ended

    async def find(self, promise_id: str) -> PromiseRecord:
        found = await self._client.find(promise_id)
        if found is None:
            raise LookupError(promise_id)
        return found

    async def _check_served(self, call: Call) -> None:
        if self._client.resonate._registry.get(call.name, call.version) is None:
            for id in (self._id, call.id):  # Else the SDK tries the call again, thousands of times a second.
                await self._client.resolve(id, None)
            raise CannotRecord(
                f"nothing here serves `{call.describe(full=True)}`",
                "Put it into SERVED of its group or, if another team serves it, a stand-in into SERVED of fakes/",
            )

    async def _deliver(self, gate: Gate[Any], root: str, question: str) -> None:
        for answer in self._answers:
            if answer.to in (gate.name, f"{gate.name}/{root}"):
                self._answers.remove(answer)
                if answer.payload is None:
                    await self._expire(question)
                else:
                    await gate.deliver(self._client, root, answer.payload)
                return
        outline = _outline(gate.payload)
        raise CannotRecord(
            f"it waits at gate {gate.name}/{root} for an answer",
            f"Give one: --answer {gate.name}='{outline}', or {gate.name}={NOBODY}",
        )

    async def _expire(self, promise_id: str) -> None:
        """Let the time of a question run out: the engine's next look at the clock finds that it has."""
        asked: Any = (await self.find(promise_id)).param.data
        held = asked["held"]
        self._state.set_p_timeout(held, 0)
        while (await self.find(held)).state == "pending":
            await asyncio.sleep(0.01)


def _outline(model: type[BaseModel]) -> str:
    return "{" + ", ".join(f'"{name}": …' for name in model.model_fields) + "}"
