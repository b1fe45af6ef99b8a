"""Sees durable calls where a workflow makes them: the engine's records do not name the functions of steps."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Literal

from pydantic import BaseModel
from resonate.codec import Codec, NoopEncryptor
from resonate.context import Context, ResonateFuture
from resonate.error import SerializationError

type Kind = Literal["step", "rpc", "sleep", "promise", "detached"]

_METHODS: dict[str, Kind] = {
    "run": "step",
    "rpc": "rpc",
    "sleep": "sleep",
    "promise": "promise",
    "detached": "detached",
}
_CODEC = Codec(NoopEncryptor())


class Made(BaseModel, frozen=True):
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


class Call(Made, frozen=True):
    """A durable call, and the id of the durable function that made it."""

    parent: str


_recordings: list[list[Call]] = []
_originals: dict[str, Callable[..., Any]] = {}


@contextmanager
def recording() -> Iterator[list[Call]]:
    """Every durable call that this process makes while it lasts, in order, those of replays too.

    For tests and tools: the Context is patched as long as somebody records, and as it was afterwards. Recordings may
    overlap in one thread; they are not made for several.
    """
    calls: list[Call] = []
    if not _recordings:
        for method, kind in _METHODS.items():
            _originals[method] = getattr(Context, method)
            setattr(Context, method, _observed(_originals[method], kind))
    _recordings.append(calls)
    try:
        yield calls
    finally:
        _recordings[:] = [other for other in _recordings if other is not calls]
        if not _recordings:
            for method, original in _originals.items():
                setattr(Context, method, original)


def _observed(original: Callable[..., ResonateFuture[Any]], kind: Kind) -> Callable[..., ResonateFuture[Any]]:
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
    """What a call asks for, but for its id. How long it may last is no part of it: the engine keeps to the first."""
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
