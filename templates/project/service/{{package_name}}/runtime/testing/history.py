"""Histories: what a run of a workflow asked of the engine, what it was answered, and how two runs differ."""

import json
from typing import Any, Literal, Self

from pydantic import BaseModel, field_validator
from resonate.codec import decode_settled
from resonate.types import PromiseRecord, PromiseState, Value

from .. import errors
from ..engine.codec import failure_as_json, raisable

type Kind = Literal["step", "rpc", "sleep", "promise", "detached"]

# The service's package: its own exceptions are written relative to it, so that a renamed one keeps its histories.
_PACKAGE = __name__.partition(".runtime.")[0]


class MadeCall(BaseModel, frozen=True):
    """What a durable call asks for.

    ``name`` is a step's function, or the durable name that an rpc or a detached call goes to; ``target`` is the group,
    where one was given. ``args`` are JSON, as the engine would record them; keyword arguments are one object at the
    end. What has no JSON, which only a step may take, is its type in angle brackets.
    """

    id: str
    kind: Kind
    name: str = ""
    version: int = 1
    target: str | None = None
    args: list[Any] = []

    def describe(self, *, full: bool = False) -> str:
        """It in words: ``rpc db.get_account``; ``full`` adds version and group."""
        name = f"{self.kind} {self.name}".rstrip()
        return f"{name} version {self.version} of {self.target or 'its own group'}" if full else name

    def difference(self, now: "MadeCall") -> str | None:
        """How another call differs from this one, if it does."""
        if (self.kind, self.name) != (now.kind, now.name):
            return f"was `{self.describe()}`, is now `{now.describe()}`"
        if (self.version, self.target) != (now.version, now.target):
            return f"was `{self.describe(full=True)}`, is now `{now.describe(full=True)}`"
        found = value_difference(self.args, now.args, "args")
        return f"is `{now.describe()}`, but {found}" if found else None


class Call(MadeCall, frozen=True):
    """A durable call, and the id of the durable function that made it."""

    parent: str


class CallOutcome(BaseModel, frozen=True):
    """How a call or a run ended. ``raised`` is the class of an exception: ``module:name``, or a name of `errors`.

    ``kept`` is what the engine keeps of a failure beside its message, where that is not what a plain one has.
    """

    state: PromiseState
    value: Any = None
    raised: str | None = None
    message: str | None = None
    kept: dict[str, Any] | None = None

    @field_validator("raised")
    @classmethod
    def _read_older(cls, value: str | None) -> str | None:
        return "Failure" if value == ".rpc:Failure" else value  # as version 0.1.0 wrote it

    @classmethod
    def of(cls, record: PromiseRecord) -> Self:
        """Read a record."""
        if record.state == "pending":
            return cls(state="pending")
        try:
            return cls(state=record.state, value=decode_settled(record))
        except Exception as error:
            return cls.failure(error, record.state)

    @classmethod
    def failure(cls, error: Exception, state: PromiseState = "rejected") -> Self:
        """The outcome of what raised this."""
        module, name = type(error).__module__, type(error).__qualname__
        kept = _besides(failure_as_json(error)) if isinstance(error, errors.Failure) else None
        kept = None if kept == _PLAIN else kept
        if module == errors.__name__:
            return cls(state=state, raised=name, message=str(error), kept=kept)
        if module.startswith(f"{_PACKAGE}."):
            module = module.removeprefix(_PACKAGE)
        return cls(state=state, raised=f"{module}:{name}", message=str(error), kept=kept)

    def __str__(self) -> str:
        if self.raised:
            return f"{self.raised.rpartition(':')[2]}({self.message!r})"
        return json.dumps(self.value, ensure_ascii=False) if self.state == "resolved" else self.state

    def record(self, promise_id: str) -> PromiseRecord:
        """The record that a call with this outcome reads."""
        data = self.value
        if self.raised is not None:
            data = {"message": self.message}
            if self.kept or self.raised == errors.Failure.__name__:
                data = raisable({**data, **(self.kept or _PLAIN)})
        return PromiseRecord(id=promise_id, state=self.state, timeout_at=0, value=Value(data=data))


def _besides(error: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a failure beside its message."""
    return {name: error[name] for name in ("code", "status", "fields")}


_PLAIN = _besides(failure_as_json(errors.Failure("")))


class AnsweredCall(MadeCall, frozen=True):
    """A call that a run made, and how it ended."""

    outcome: CallOutcome


class History(BaseModel, frozen=True):
    """One run, in the empty namespace. ``timeout_at`` is in Unix ms; ``calls`` are the workflow's own, in order."""

    workflow: str
    version: int
    id: str
    timeout_at: int
    request: Any
    calls: list[AnsweredCall]
    outcome: CallOutcome

    @field_validator("calls")
    @classmethod
    def _read_older(cls, calls: list[AnsweredCall]) -> list[AnsweredCall]:
        return [_question_of_today(call) for call in calls]

    def text(self) -> str:
        """It as JSON, to keep and to compare line by line."""
        data = self.model_dump(mode="json", exclude_defaults=True)
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _question_of_today(call: AnsweredCall) -> AnsweredCall:
    """A call that asks at a gate, as today's code makes it: version 0.1.0 named the question otherwise, and recorded no
    number of it, by which `gate` knows the name that holds.
    """
    match call:
        case AnsweredCall(kind="step", name="_open", args=[str(question), held, str(root), ends_at]):
            if call.outcome.state == "resolved" and call.outcome.value is None:
                return call.model_copy(update={"args": [f"{question.partition('/')[0]}/{root}", held, root, ends_at]})
    return call


def value_difference(was: Any, now: Any, path: str) -> str | None:
    """The first place where two JSON values differ. A field that one side lacks is no difference, unless all do."""
    if isinstance(was, dict) and isinstance(now, dict):
        common = [key for key in was if key in now]
        if common or not was:
            return next(filter(None, (value_difference(was[key], now[key], f"{path}.{key}") for key in common)), None)
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        pairs = enumerate(zip(was, now, strict=True))
        return next(filter(None, (value_difference(a, b, f"{path}[{index}]") for index, (a, b) in pairs)), None)
    elif was == now and isinstance(was, bool) == isinstance(now, bool):
        return None
    return f"{path} was {json.dumps(was, ensure_ascii=False)}, is now {json.dumps(now, ensure_ascii=False)}"
