"""How values and exceptions are written to the engine, and read from it.

Values are JSON. So is an exception: its message, and of a `Failure` its code, status and attributes. The SDK would add a
pickle, which whoever awaits the call opens: anybody who can write to the engine (another team's group, say) could run
code in every process that waits. Here no pickle is written, and none that was read is opened. A `Failure` is made again
from its JSON, as one of the classes that this process knows.
"""

import base64
import json
import math
import pickle
from collections.abc import Mapping
from typing import Any, get_type_hints

import msgspec
from msgspec.structs import replace
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python
from resonate.codec import Codec, NoopEncryptor, enc_hook
from resonate.resonate import Resonate
from resonate.types import PromiseRecord, Value

from ..errors import Failure, StepFailed, ValueNotKept, kind_of_failure

MAX_VALUE = 1024 * 1024
"""Bytes of a value as JSON: an argument, a result, an answer. On its way to the engine it grows by a third."""

MAX_MESSAGE = 10_000
"""Characters of an exception's message; what is longer is cut."""

_PICKLE = "__py_pickle"
_TYPE = "__type"


class ServiceCodec(Codec):
    """The codec of this service's clients."""

    def __init__(self) -> None:
        super().__init__(NoopEncryptor())

    def encode(self, value: Any) -> Value:
        """A value, or an exception, as the engine keeps it."""
        if isinstance(value, Exception):
            value = failure_as_json(value)
        elif isinstance(value, dict) and value.get(_TYPE) == "error":
            value = {name: part for name, part in value.items() if name != _PICKLE}
        return super().encode(value)

    def decode_promise(self, promise: PromiseRecord) -> PromiseRecord:
        """A record with its values; of a rejected one, the exception that the SDK is to raise."""
        record = super().decode_promise(promise)
        if record.state != "rejected" or not isinstance(record.value.data, dict):
            return record
        return replace(record, value=replace(record.value, data=raisable(record.value.data)))

    def decode_error(self, value: Value) -> BaseException:
        """Not in use here: a handle of the SDK reads errors with this, and would open their pickles."""
        return failure_from_json(self.decode(value))


def use(resonate: Resonate) -> None:
    """Let a client write and read with :class:`ServiceCodec`. The SDK has no public way; its minor version is pinned."""
    codec = ServiceCodec()
    resonate._codec = resonate._core.codec = resonate.promises.codec = resonate.schedules.codec = codec


def raisable(error: Mapping[str, Any]) -> dict[str, Any]:
    """What a rejected promise holds, so that the SDK raises the failure that it stands for, and opens no pickle of it."""
    kept = {name: part for name, part in error.items() if name != _PICKLE}
    # The SDK raises what it unpickles: this pickle is ours, made of the JSON just now.
    return {**kept, _TYPE: "error", _PICKLE: base64.b64encode(pickle.dumps(_Made(kept))).decode()}


class _Made:
    """Unpickled, it is the exception."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        self._error = error

    def __reduce__(self) -> tuple[Any, ...]:
        return failure_from_json, (dict(self._error),)


def failure_as_json(error: Exception) -> dict[str, Any]:
    """An exception as JSON: ``__type``, ``message``, and of a `Failure` ``code``, ``status`` and ``fields``.

    ``name`` is the code once more: the TypeScript SDK makes an `Error` of name and message, and drops the rest.
    """
    failure = error if isinstance(error, Failure) else StepFailed("a call", type(error).__name__, str(error))
    fields = {name: value for name, value in vars(failure).items() if name not in ("code", "status")}
    try:
        kept = json.loads(encoded(to_jsonable_python(fields), f"the attributes of {type(failure).__name__}"))
    except (ValueNotKept, ValueError):  # Without them it arrives as a plain `Failure` of its code.
        kept = {}
    message = _utf8(str(failure)[:MAX_MESSAGE])
    named = {"name": failure.code, "code": failure.code, "status": failure.status}
    return {_TYPE: "error", "message": message, **named, "fields": kept}


def failure_from_json(error: Any) -> Failure:
    """The exception that :func:`failure_as_json` wrote, or that another language's SDK did, which has a message only."""
    error = error if isinstance(error, dict) else {}
    message = error.get("message")
    code, status, fields = error.get("code"), error.get("status"), error.get("fields")
    text = message if isinstance(message, str) and message else "it failed without a message"
    kind = kind_of_failure(code) if isinstance(code, str) else Failure
    failure = _of_kind(kind, text, fields if isinstance(fields, dict) else {})
    if isinstance(code, str) and code != failure.code:
        failure.code = code
    if isinstance(status, int) and status != failure.status:
        failure.status = status
    return failure


def _of_kind(kind: type[Failure], message: str, fields: dict[str, Any]) -> Failure:
    """A failure of a class, made without its `__init__`; a plain one where the attributes do not fit."""
    hints = {name: hint for name, hint in get_type_hints(kind).items() if name not in ("code", "status")}
    try:
        values = {name: TypeAdapter(hints.get(name, Any)).validate_python(value) for name, value in fields.items()}
    except ValidationError:
        return Failure(message)
    if any(name not in values and not hasattr(kind, name) for name in hints):
        return Failure(message)
    failure = kind.__new__(kind, message)
    failure.args = (message,)
    vars(failure).update(values)
    return failure


def encoded(value: Any, what: str) -> bytes:
    """A value as the JSON that the engine keeps.

    Raises:
        ValueNotKept: it has none, JSON would change it, or it is longer than :data:`MAX_VALUE`. ``what`` names the
            value, and is followed by the path inside it.
    """
    try:
        text = msgspec.json.encode(value, enc_hook=enc_hook)
    except (TypeError, ValueError, RecursionError) as error:
        raise _not_kept(what, value) or ValueNotKept(f"{what} cannot be kept: {error}") from None
    if b"null" in text and (changed := _not_kept(what, value)):  # NaN and the infinities are written as null.
        raise changed
    if len(text) > MAX_VALUE:
        raise ValueNotKept(
            f"{what} cannot be kept: it has {len(text):,} bytes as JSON, and at most {MAX_VALUE:,} may be"
        )
    return text


def _not_kept(what: str, value: Any) -> ValueNotKept | None:
    """What is wrong with a value, and where; None: nothing that can be named."""
    found = _find(value, "", 0)
    return ValueNotKept(f"{what} cannot be kept: {' '.join(filter(None, found))}") if found else None


def _find(value: Any, path: str, depth: int) -> tuple[str, str] | None:
    """The path of the first part of a value that cannot be kept, and the reason."""
    where = f"at {path}:" if path else ""
    if depth > 200:
        return where, "it is nested too deeply"
    if isinstance(value, float) and not math.isfinite(value):
        return where, f"{value} has no JSON form"
    if isinstance(value, str) and value != _utf8(value):
        return where, "it has half a surrogate pair, which no UTF-8 can hold"
    if not isinstance(value, dict | list | tuple | set | frozenset | str | int | float | bytes | bytearray):
        try:
            inner = msgspec.to_builtins(value, enc_hook=enc_hook)
        except (TypeError, ValueError, RecursionError):
            inner = _members(value)
            if inner is None:
                return where, f"a value of class {type(value).__qualname__} has no JSON form"
        value = inner
        if isinstance(value, dict | list | str | float):
            return _find(value, path, depth + 1)
    if isinstance(value, dict):
        parts = [(_find(key, path, depth + 1), f"{path}.{key}" if path else str(key), key) for key in value]
        return next((wrong for wrong, _, _ in parts if wrong), None) or next(
            (wrong for _, name, key in parts if (wrong := _find(value[key], name, depth + 1))), None
        )
    if isinstance(value, list | tuple | set | frozenset):
        return next(
            (wrong for at, item in enumerate(value) if (wrong := _find(item, f"{path}[{at}]", depth + 1))), None
        )
    return None


def _members(value: Any) -> dict[str, Any] | None:
    """The parts of a model or dataclass of which one cannot be kept."""
    names = getattr(type(value), "model_fields", None) or getattr(type(value), "__dataclass_fields__", None)
    return {name: getattr(value, name) for name in names} if names else None


def _utf8(text: str) -> str:
    """A text with question marks for what UTF-8 cannot hold."""
    return text.encode(errors="replace").decode()
