"""Histories: what a run of a workflow asked of the engine, and what it was answered.

A run that waits today goes on tomorrow on tomorrow's code: from the top, and its calls are answered by their numbers.
So code that makes other calls must not serve it. :func:`record` writes down what a workflow does now, and
:func:`replay` tells whether it still does.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from itertools import zip_longest
from pkgutil import iter_modules
from time import monotonic
from typing import Any, Self

from pydantic import BaseModel, ValidationError
from resonate.codec import Codec, NoopEncryptor, decode_settled
from resonate.connections import LocalConnection
from resonate.context import Context
from resonate.dependencies import DependencyMap
from resonate.error import ApplicationError, PlatformError, StoppedError, Suspended
from resonate.registry import Registry
from resonate.types import PromiseCreateReq, PromiseRecord, PromiseState, Value

from . import contracts
from .engine import Engine
from .gate import Gate
from .recording import Call, Made, recording
from .rpc import Rpc, Served

# Seconds. A run that waits for what nobody serves does not end; a replay waits for nothing.
_RUNS, _REPLAYS = 30.0, 5.0

_TIMEOUT = timedelta(days=1)
_CODEC = Codec(NoopEncryptor())


class CannotRecord(Exception):
    """There is no history of such a run: what is wrong in one line, what to do in another."""


class Changed(Exception):
    """The code does not do what a history says: the first difference in one line, what to do in another."""


class Outcome(BaseModel, frozen=True):
    """How a call or a run ended. ``raised`` is the exception's class, ``module:name``, this package's own relative."""

    state: PromiseState
    value: Any = None
    raised: str | None = None
    message: str | None = None

    @classmethod
    def of(cls, record: PromiseRecord) -> Self:
        """Read a record that an engine in this process made, and no other: it unpickles what was raised."""
        if record.state == "pending":
            return cls(state="pending")
        try:
            return cls(state=record.state, value=decode_settled(record))
        except Exception as error:
            return cls.failure(error, record.state)

    @classmethod
    def failure(cls, error: Exception, state: PromiseState = "rejected") -> Self:
        """The outcome that is an exception."""
        module = type(error).__module__
        if module.startswith(f"{__package__}."):
            module = module.removeprefix(__package__)
        return cls(state=state, raised=f"{module}:{type(error).__qualname__}", message=str(error))

    def __str__(self) -> str:
        if self.raised:
            return f"{self.raised.rpartition(':')[2]}({self.message!r})"
        return json.dumps(self.value, ensure_ascii=False) if self.state == "resolved" else self.state

    def settled(self, promise_id: str) -> PromiseRecord:
        """The record that a call with this outcome reads."""
        data = self.value if self.raised is None else _CODEC.decode(_CODEC.encode(self._exception()))
        return PromiseRecord(id=promise_id, state=self.state, timeout_at=0, value=Value(data=data))

    def _exception(self) -> Exception:
        """What was raised; where its class has gone, or takes more than a message, what the engine makes of that."""
        module, _, name = (self.raised or "").partition(":")
        with suppress(ImportError, AttributeError, TypeError):
            kind: type[Exception] = getattr(import_module(module, __package__), name)
            if issubclass(kind, Exception):
                return kind(self.message)
        return ApplicationError(self.message or "")


class Answered(Made, frozen=True):
    """A call that a run made, and how it ended."""

    outcome: Outcome


class History(BaseModel, frozen=True):
    """One run. ``timeout_at`` is in Unix milliseconds; ``calls`` are the workflow's own, in their order."""

    workflow: str
    version: int
    id: str
    timeout_at: int
    request: Any
    calls: list[Answered]
    outcome: Outcome

    def text(self) -> str:
        """It as JSON, to keep and to compare line by line."""
        data = self.model_dump(mode="json", exclude_defaults=True)
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


# Recording


def workflow_named(spec: str, served: Sequence[Served], group: str) -> Rpc[Any, Any]:
    """The contract of ``name`` or ``name@version`` in a group; without a version, the highest that is served."""
    name, _, version = spec.partition("@")
    found = [entry.contract for entry in served if entry.contract.group == group]
    fitting = [c for c in found if c.name == name and version in ("", str(c.version))]
    if not fitting:
        known = ", ".join(f"{c.name}@{c.version}" for c in found) or "none yet"
        raise CannotRecord(f"there is no workflow {spec!r}\nWorkflows: {known}")
    return max(fitting, key=lambda contract: contract.version)


def read[M: BaseModel](model: type[M], text: str, what: str) -> M:
    """What was given as JSON. Raises :class:`CannotRecord` where it does not fit."""
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        items = error.errors(include_url=False, include_input=False)
        wrong = [": ".join(filter(None, (".".join(map(str, item["loc"])), item["msg"]))) for item in items]
        raise CannotRecord(f"{what} does not fit: {'; '.join(wrong)}\nIt is JSON: '{_outline(model)}'") from None


async def record(
    engine: Engine,
    contract: Rpc[Any, Any],
    promise_id: str,
    request: BaseModel,
    answers: Sequence[tuple[str, str]] = (),
) -> History:
    """Run a workflow to its end on an engine in this process, and return what it did.

    ``answers`` are pairs of a gate, by name or as ``name/key``, and what it is answered, as JSON; those of one gate
    are given in turn, as it waits. Sleeps end at once. Raises :class:`CannotRecord`.
    """
    run = _Run(engine, promise_id, answers)
    with recording() as calls:
        started = await engine.start_workflow(contract, promise_id, request, _TIMEOUT, {})
        ended = await run.end(calls)
    made: dict[str, Call] = {}
    for call in calls:
        if call.parent == promise_id and (difference := _difference(made.setdefault(call.id, call), call)):
            raise CannotRecord(
                f"when it ran again, call {list(made).index(call.id) + 1} {difference}\n"
                "A workflow makes the same calls whenever it runs: leave clocks, random values and the like to steps"
            )
    return History(
        workflow=contract.name,
        version=contract.version,
        id=promise_id,
        timeout_at=started.timeout_at,
        request=request.model_dump(mode="json"),
        calls=[
            Answered(**call.model_dump(exclude={"parent"}), outcome=Outcome.of(await run.find(call.id)))
            for call in made.values()
        ],
        outcome=Outcome.of(ended),
    )


@dataclass(frozen=True, slots=True)
class _Answer:
    to: str
    gate: Gate[Any]
    payload: BaseModel


class _Run:
    """A run that is recorded. Whatever it waits for is supplied, or missed."""

    def __init__(self, engine: Engine, promise_id: str, answers: Sequence[tuple[str, str]]) -> None:
        if not isinstance(engine.network, LocalConnection):
            raise TypeError("a history is recorded on an engine in this process")
        self._engine = engine
        self._promises = engine.network.state.promises
        self._id = promise_id
        self._gates = _gates()
        self._answers = [self._parse(*answer) for answer in answers]

    def _parse(self, to: str, text: str) -> _Answer:
        gate = self._gates.get(to.partition("/")[0])
        if gate is None:
            raise CannotRecord(f"there is no gate {to!r}\nGates: {', '.join(self._gates) or 'none yet'}")
        return _Answer(to, gate, read(gate.payload, text, f"the answer to gate {to}"))

    async def end(self, calls: Sequence[Call]) -> PromiseRecord:
        """The record of the run, once it has ended."""
        deadline = monotonic() + _RUNS
        while (ended := await self.find(self._id)).state == "pending":
            pending = [id for id, promise in self._promises.items() if promise.state == "pending" and id != self._id]
            for id in pending:
                if id.partition("/")[0] in self._gates and ":" not in id:
                    await self._deliver(id)
            for call in calls:
                if call.kind == "sleep" and call.id in pending:
                    await self._engine.resolve(call.id, None)
                elif call.kind in ("rpc", "detached") and call.id in pending:
                    await self._check_served(call)
            if monotonic() > deadline:
                waits = [call for call in calls if call.id in pending and call.parent == self._id]
                on = f"waits for `{_named(waits[0])}`" if waits else "has not ended"
                raise CannotRecord(f"after {_RUNS:.0f} s it {on}\nA run is recorded to its end: see the log above")
            await asyncio.sleep(0.01)
        for left in self._answers:
            raise CannotRecord(f"it ended, and never waited for an answer to {left.to}\nLeave that --answer out")
        return ended

    async def _check_served(self, call: Call) -> None:
        if self._engine.resonate._registry.get(call.name, call.version) is None:
            for id in (self._id, call.id):  # Else the SDK tries the call again, thousands of times a second.
                await self._engine.resolve(id, None)
            raise CannotRecord(
                f"nothing here serves `{_named(call, full=True)}`\n"
                "Put it into SERVED of its group or, if another team serves it, a stand-in into SERVED of fakes/"
            )

    async def find(self, promise_id: str) -> PromiseRecord:
        found = await self._engine.find(promise_id)
        if found is None:
            raise LookupError(promise_id)
        return found

    async def _deliver(self, alias: str) -> None:
        name, _, key = alias.partition("/")
        for answer in self._answers:
            if answer.to in (name, alias):
                self._answers.remove(answer)
                await answer.gate.deliver(self._engine, key, answer.payload)
                return
        outline = _outline(self._gates[name].payload)
        raise CannotRecord(f"it waits at gate {alias} for an answer\nGive one: --answer {name}='{outline}'")


def _gates() -> dict[str, Gate[Any]]:
    """The gates of the contracts, by name."""
    modules = [import_module(f"{contracts.__name__}.{module.name}") for module in iter_modules(contracts.__path__)]
    return {gate.name: gate for module in modules for gate in vars(module).values() if isinstance(gate, Gate)}


def _outline(model: type[BaseModel]) -> str:
    return "{" + ", ".join(f'"{name}": …' for name in model.model_fields) + "}"


# Replaying


async def replay(history: History, served: Sequence[Served], dependencies: Sequence[Any] = ()) -> None:
    """Run today's code of a workflow on the answers of a history. Raises :class:`Changed` at the first difference.

    Nothing else runs, no step either: whatever the workflow may wait for is answered. ``dependencies`` are what its
    own code asks for, the settings most of all.
    """
    functions = {(entry.contract.name, entry.contract.version): entry.function for entry in served}
    function = functions.get((history.workflow, history.version))
    if function is None:
        raise Changed(
            "it is no longer served.\n"
            'Delete the history if no run of it is left, else serve it again: see README "Changing a workflow".'
        )
    registry, deps = Registry(), DependencyMap()
    for (name, version), known in functions.items():
        registry.register(name, known, version)
    for dependency in dependencies:
        deps.insert(dependency)
    with recording() as calls:
        ctx = Context.root(
            id=history.id,
            origin_id=history.id,
            timeout_at=history.timeout_at,
            func_name=history.workflow,
            effects=_Answers(history, calls),
            target_resolver=lambda group: group or "",
            deps=deps,
            registry=registry,
        )
        outcome = await _outcome(ctx, function, history.request)
    _compare(history, [call for call in calls if call.parent == history.id], outcome)


class _Answers:
    """Stands where the engine stands: it answers the calls of a history, and stops the workflow at any other."""

    def __init__(self, history: History, calls: Sequence[Call]) -> None:
        self._recorded = {call.id: call for call in history.calls}
        self._calls = calls

    async def create_promise(self, req: PromiseCreateReq) -> PromiseRecord:
        """What was answered."""
        recorded = self._recorded.get(req.id)
        now = next(call for call in reversed(self._calls) if call.id == req.id)
        if recorded is None or _difference(recorded, now):
            raise PlatformError([StoppedError()])
        if recorded.kind == "step" and recorded.outcome.state == "pending":
            raise Suspended  # A pending step would run.
        return recorded.outcome.settled(req.id)

    async def settle_promise(self, id: str, result: Any) -> PromiseRecord:
        """No step runs, so there is nothing to settle."""
        raise PlatformError([StoppedError()])


async def _outcome(ctx: Context, function: Callable[..., Awaitable[Any]], request: Any) -> Outcome:
    """How a replay ends."""
    try:
        async with asyncio.timeout(_REPLAYS) as limit:
            outcome = Outcome(state="resolved", value=await function(ctx, request))
    except Suspended:
        outcome = Outcome(state="pending")
    except PlatformError as error:
        outcome = Outcome.failure(error.cause)
    except Exception as error:
        if limit.expired():
            raise Changed("it does not end any more.\nA workflow waits for durable calls only.") from None
        outcome = Outcome.failure(error)
    with suppress(PlatformError):  # Calls that nobody awaits are stopped as well.
        await ctx.flush_local_work()
    return Outcome(state="pending") if ctx.take_remote_todos() else outcome


def _compare(history: History, made: Sequence[Call], outcome: Outcome) -> None:
    beside = (
        f"under version {history.version + 1} and keep this one until its runs have ended: "
        'see README "Changing a workflow".'
    )
    for number, (recorded, now) in enumerate(zip_longest(history.calls, made), 1):
        if now is None:
            difference = f"was `{_named(recorded)}`, is no longer made; it ends with {outcome}"
        elif recorded is None:
            difference = f"is new: `{_named(now)}`"
        elif (found := _difference(recorded, now)) is None:
            continue
        else:
            difference = found
        raise Changed(
            f"call {number} {difference}.\n"
            f"Running executions would read the wrong step's value. Serve the new shape {beside}"
        )
    # A run that timed out, or was canceled, was still waiting.
    was = Outcome(state="pending") if history.outcome.state.startswith("rejected_") else history.outcome
    same = (was.state, was.raised, was.message) == (outcome.state, outcome.raised, outcome.message)
    if not same or _differing(was.value, outcome.value, "result"):
        raise Changed(
            f"it ended with {was}, now with {outcome}.\n"
            f"If running executions should end so as well, record it again; else serve the new code {beside}"
        )


def _difference(recorded: Made, now: Made) -> str | None:
    """How a call differs from the one that was recorded, if it does."""
    if (recorded.kind, recorded.name) != (now.kind, now.name):
        return f"was `{_named(recorded)}`, is now `{_named(now)}`"
    if (recorded.version, recorded.target) != (now.version, now.target):
        return f"was `{_named(recorded, full=True)}`, is now `{_named(now, full=True)}`"
    differing = _differing(recorded.args, now.args, "args")
    return f"is `{_named(now)}`, but {differing}" if differing else None


def _named(call: Made, *, full: bool = False) -> str:
    name = f"{call.kind} {call.name}".rstrip()
    return f"{name} version {call.version} of {call.target or 'its own group'}" if full else name


def _differing(was: Any, now: Any, path: str) -> str | None:
    """The first place where two values of JSON differ: a field that one side lacks is none, unless all do."""
    if isinstance(was, dict) and isinstance(now, dict):
        common = [key for key in was if key in now]
        if common or not was:
            return next(filter(None, (_differing(was[key], now[key], f"{path}.{key}") for key in common)), None)
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        pairs = enumerate(zip(was, now, strict=True))
        return next(filter(None, (_differing(a, b, f"{path}[{index}]") for index, (a, b) in pairs)), None)
    elif was == now and isinstance(was, bool) == isinstance(now, bool):
        return None
    return f"{path} was {json.dumps(was, ensure_ascii=False)}, is now {json.dumps(now, ensure_ascii=False)}"
