"""Fingerprints: which requests are equal, however they were spelt."""

import hashlib
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, RootModel, SecretBytes, SecretStr
from pydantic_core import PydanticSerializationError, to_jsonable_python

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# A whole number beyond so many digits is written with an exponent: 1e999999999 is ten characters.
_DIGITS = 64


def fingerprint(model: BaseModel, *, as_sent: bool = False) -> str:
    """The SHA-256 of a model as canonical JSON: equal for equal values, and different for different ones.

    Decimals are compared as numbers (1.10 is 1.1), times with a zone as instants, sets without an order.

    ``as_sent`` leaves out what the model added by default. A durable call sends all that its caller's models have, so
    a call that runs again after a deployment keeps its fingerprint where a field with a default was added since.
    """
    return hashlib.sha256(_CANONICAL.encode(_canonical(model, as_sent)).encode()).hexdigest()


def _canonical(value: Any, as_sent: bool) -> Any:
    """The one spelling of a value, as JSON."""
    match value:
        case RootModel():
            return _canonical(value.root, as_sent)
        case BaseModel():
            return _members(value, as_sent)
        case Mapping():
            return {_key(key): _canonical(item, as_sent) for key, item in value.items()}
        case list() | tuple() | deque():
            return [_canonical(item, as_sent) for item in value]
        case set() | frozenset():
            return sorted((_canonical(item, as_sent) for item in value), key=_CANONICAL.encode)
        case Decimal():
            return _number(value)
        case datetime():
            return to_jsonable_python(_instant(value))
        case time() if value.utcoffset() is not None:
            return to_jsonable_python(datetime.combine(date(2000, 1, 1), value).astimezone(UTC).timetz())
        case float():
            return value + 0.0  # -0.0 is 0.0
        case SecretStr() | SecretBytes():
            return to_jsonable_python(value.get_secret_value())
        case _ if is_dataclass(value):
            return {field.name: _canonical(getattr(value, field.name), as_sent) for field in fields(value)}
        case _:
            return to_jsonable_python(value)


def _members(model: BaseModel, as_sent: bool) -> dict[str, Any]:
    """The fields of a model that it sends."""
    excluded = {name for name, field in type(model).model_fields.items() if field.exclude}
    found = {}
    for name, value in model:
        if name not in excluded and (name in model.model_fields_set or not as_sent):
            try:
                found[name] = _canonical(value, as_sent)
            except PydanticSerializationError:  # A type of the owner's own: the model says how it is written.
                found[name] = model.model_dump(mode="json", include={name})[name]
    return found


def _key(key: Any) -> str:
    """A key of a mapping, as JSON spells it."""
    spelled = _canonical(key, False)
    return spelled if isinstance(spelled, str) else next(iter(to_jsonable_python({spelled: None})))


def _number(value: Decimal) -> str:
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
