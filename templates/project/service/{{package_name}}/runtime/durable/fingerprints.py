"""Fingerprints: which requests are equal, however they were spelt."""

import hashlib
import json
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from pydantic import MISSING, BaseModel, RootModel, SecretBytes, SecretStr
from pydantic_core import PydanticSerializationError, to_jsonable_python

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# A whole number beyond so many digits is written with an exponent: 1e999999999 is ten characters.
_DIGITS = 64

_AS_THEY_ARE = {str, int, bool, type(None)}  # Most values, so they are looked for first.


type _Counts = Callable[[BaseModel, str, Any], bool]
"""Whether a field of a model, with its value, is part of the fingerprint."""


def fingerprint(model: BaseModel) -> str:
    """The SHA-256 of a model as canonical JSON: equal for equal values, and different for different ones.

    Decimals are compared as numbers (1.10 is 1.1), times with a zone as instants, sets without an order.
    """
    return _digest(_canonical(model, _always))


def former_fingerprint(request: BaseModel) -> str:
    """The fingerprint by which services of resonate-scaffold 0.1.0 recorded an operation: of the request as it was sent."""
    return _digest(request.model_dump(mode="json", exclude_unset=True))


def fingerprint_of_operation(request: BaseModel, match: Collection[str] | None = None) -> str:
    """The fingerprint of the fields that must be the same where one operation is asked for again.

    ``match`` names them. None: all but moments (datetimes and times, in models below as well), since a step that runs
    again reads another one from its clock. A field at its default does not count, whether it was sent or not: the
    release before, whose request lacks the field, has the same fingerprint.

    Raises:
        ValueError: ``match`` names a field that the request does not have.
    """
    if match is None:
        return _digest(_canonical(request, _is_business))
    if unknown := sorted(set(match) - set(type(request).model_fields)):
        raise ValueError(f"{type(request).__name__} has no field {', '.join(unknown)}")
    members = _members(request, _is_changed)
    return _digest({name: value for name, value in members.items() if name in match})


def _digest(canonical: Any) -> str:
    return hashlib.sha256(_CANONICAL.encode(canonical).encode()).hexdigest()


def _always(_model: BaseModel, _name: str, _value: Any) -> bool:
    return True


def _is_changed(model: BaseModel, name: str, value: Any) -> bool:
    """Whether a value is another than its field's default."""
    field = type(model).model_fields.get(name)
    if field is None or field.is_required():
        return True
    default = field.get_default(call_default_factory=True, validated_data=dict(model))
    try:
        return bool(_canonical(value, _always) != _canonical(default, _always))
    except PydanticSerializationError:  # A type of the owner's own.
        return bool(value != default)


def _is_business(model: BaseModel, name: str, value: Any) -> bool:
    return not isinstance(value, datetime | time) and _is_changed(model, name, value)


def _canonical(value: Any, counts: _Counts) -> Any:
    """The one spelling of a value, as JSON."""
    if type(value) in _AS_THEY_ARE:
        return value
    match value:
        case RootModel():
            return _canonical(value.root, counts)
        case BaseModel():
            return _members(value, counts)
        case Mapping():
            return {_key(key): _canonical(item, counts) for key, item in value.items()}
        case list() | tuple() | deque():
            return [_canonical(item, counts) for item in value]
        case set() | frozenset():
            return sorted((_canonical(item, counts) for item in value), key=_CANONICAL.encode)
        case Decimal():
            return plain_number(value)
        case datetime():
            return to_jsonable_python(_instant(value))
        case time() if value.utcoffset() is not None:
            return to_jsonable_python(datetime.combine(date(2000, 1, 1), value).astimezone(UTC).timetz())
        case float():
            return value + 0.0  # -0.0 is 0.0
        case SecretStr() | SecretBytes():
            return to_jsonable_python(value.get_secret_value())
        case _ if is_dataclass(value):
            return {field.name: _canonical(getattr(value, field.name), counts) for field in fields(value)}
        case _:
            return to_jsonable_python(value)


def _members(model: BaseModel, counts: _Counts) -> dict[str, Any]:
    """The fields of a model that count. One that is MISSING is not there: another value than None."""
    excluded = _excluded(type(model))
    found = {}
    for name, value in model:
        if name not in excluded and value is not MISSING and counts(model, name, value):
            try:
                found[name] = _canonical(value, counts)
            except PydanticSerializationError:  # A type of the owner's own: the model says how it is written.
                found[name] = model.model_dump(mode="json", include={name})[name]
    return found


@cache
def _excluded(kind: type[BaseModel]) -> frozenset[str]:
    """The fields that a model never writes."""
    return frozenset(name for name, field in kind.model_fields.items() if field.exclude)


def _key(key: Any) -> str:
    """A key of a mapping, as JSON spells it."""
    spelled = _canonical(key, _always)
    return spelled if isinstance(spelled, str) else next(iter(to_jsonable_python({spelled: None})))


def plain_number(value: Decimal) -> str:
    """A Decimal without the zeros that do not count."""
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):  # NaN, Infinity
        return str(value)
    significant = "".join(map(str, digits)).lstrip("0")
    stripped = significant.rstrip("0")
    if not stripped:
        return "0"
    exponent += len(significant) - len(stripped)
    plain = Decimal((sign, tuple(map(int, stripped)), exponent))
    return f"{plain:f}" if 0 <= exponent <= _DIGITS - len(stripped) else str(plain)


def _instant(value: datetime) -> datetime | str:
    if value.utcoffset() is None:
        return value
    try:
        return value.astimezone(UTC)
    except OverflowError:  # In UTC it is before the year 1 or after 9999, for which there is no datetime.
        return f"{(value - _EPOCH) // timedelta(microseconds=1)}us"
