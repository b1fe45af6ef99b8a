"""Values of types: examples for tests, defaults as they are typed, and whether a value obeys bounds.

An example is what a generated test sends and what a function that has no business in it yet returns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from uuid import UUID

from resonate_scaffold import layout
from resonate_scaffold.layout import Code

if TYPE_CHECKING:
    from resonate_scaffold.shape import Shape

Import = tuple[str, str | None]

_LONGEST = 1000  # of the texts and lists in examples
_LARGEST = 10**15  # of their numbers: a float has each of these
_TEXTS = (
    *("example", "another", "a", "b", "example-1", "1", "2", "12345", "67890", "A", "B", "EXAMPLE", "USD", "EUR"),
    *("ada@example.com", "grace@example.com", "https://example.com", "https://example.org", "2026-01-31"),
    *("6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11", "0b8ddfb0-7c3f-4a0e-8a75-2f0b1f7c9d22", "+4930123456"),
)
# Two of each scalar that no bound restricts, as they are typed.
_TYPED = {
    "float": ("1.5", "2.5"),
    "bool": ("true", "false"),
    "date": ("2026-01-31", "2026-02-28"),
    "time": ("12:30", "18:45"),
    "datetime": ("2026-01-31T12:00:00Z", "2026-02-28T12:00:00Z"),
    "timedelta": ("PT1H", "PT2H"),
    "Decimal": ("1.50", "2.50"),
    "UUID": ("6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11", "0b8ddfb0-7c3f-4a0e-8a75-2f0b1f7c9d22"),
}
_DURATION = re.compile(
    r"(?P<sign>-?)P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)


@dataclass(frozen=True, slots=True)
class Example:
    """A value: as code, with what the code needs imported, and as JSON."""

    code: Code
    imports: tuple[Import, ...]
    json: Any


def example_of_scalar(name: str, rules: Mapping[str, Any], *, other: bool = False) -> Example | None:
    """An example of a scalar that obeys *rules*, or with ``other`` a different one; None where none is known."""
    if name == "str":
        candidates = [_text(text) for text in _candidate_texts(rules)]
    elif name == "int" or (name in ("float", "Decimal") and rules.keys() & _BOUNDS_OF_NUMBERS):
        candidates = [_NUMBERS[name](number) for number in _candidate_numbers(rules)]
    else:
        candidates = [read_scalar(name, typed) for typed in _TYPED[name]]
    return chosen([it for it in candidates if scalar_obeys(name, it.json, rules)], other=other)


def read_value(shape: Shape, typed: str) -> Example | None:
    """A value of a type as it is typed on the command line; None where it is none."""
    match shape.kind:
        case "scalar":
            try:
                return read_scalar(shape.name, typed)
            except (ValueError, InvalidOperation, OverflowError):
                return None
        case "optional":
            return Example("None", (), None) if typed in ("None", "null") else read_value(shape.inner, typed)
        case "alias":
            found = None if shape.of is None else read_value(shape.of, typed)
            return found if found is not None and accepts(shape, found.json) else None
        case "literal":
            texts = {str(value): value for value in shape.choices}
            wanted = texts.get(_unquoted(typed))
            return None if wanted is None else Example(layout.value(wanted), (), wanted)
        case "enum":
            members = shape.rules.items()
            found_name = next((name for name, value in members if typed in (name, f"{shape.short}.{name}")), None)
            if found_name is None:
                found_name = next((name for name, value in members if str(value) == _unquoted(typed)), None)
            return None if found_name is None else member(shape, found_name)
        case "list" | "set" | "dict":
            empty: tuple[str, Any] = {"list": ("[]", []), "set": ("set()", []), "dict": ("{}", {})}[shape.kind]
            return Example(empty[0], (), empty[1]) if typed in (empty[0], "[]") else None
    return None


def read_scalar(name: str, typed: str) -> Example:
    """A scalar's value as it is typed.

    Raises:
        ValueError, InvalidOperation, OverflowError: it is none.
    """
    match name:
        case "str":
            return _text(_unquoted(typed))
        case "int" | "float" | "Decimal":
            return _NUMBERS[name](typed)
        case "bool":
            value = {"true": True, "false": False}[typed.lower()] if typed.lower() in ("true", "false") else None
            if value is None:
                raise ValueError(typed)
            return Example(repr(value), (), value)
        case "date":
            day = date.fromisoformat(typed)
            return Example(f"date({day.year}, {day.month}, {day.day})", (("!datetime", "date"),), day.isoformat())
        case "time":
            at = time.fromisoformat(typed)
            if at.tzinfo is not None:
                raise ValueError(typed)
            return Example(_written("time", at.hour, *_clock(at)), (("!datetime", "time"),), at.isoformat())
        case "datetime":
            moment = datetime.fromisoformat(typed)
            if moment.utcoffset() != timedelta(0):
                raise ValueError(typed)
            parts = [moment.year, moment.month, moment.day, moment.hour, *_clock(moment, least=0)]
            text = moment.isoformat().replace("+00:00", "Z")
            return Example(
                f"datetime({', '.join(map(str, parts))}, tzinfo=UTC)",
                (("!datetime", "UTC"), ("!datetime", "datetime")),
                text,
            )
        case "timedelta":
            match = _DURATION.fullmatch(typed)
            given = (
                {unit: int(text) for unit, text in match.groupdict().items() if text and unit != "sign"}
                if match
                else {}
            )
            if match is None or not given or match["sign"]:
                raise ValueError(typed)
            code = layout.call("timedelta", [f"{unit}={number}" for unit, number in given.items()])
            return Example(layout.render(code), (("!datetime", "timedelta"),), _duration(timedelta(**given)))
        case _:
            identifier = UUID(typed)
            return Example(f'UUID("{identifier}")', (("!uuid", "UUID"),), str(identifier))


def _text(text: str) -> Example:
    return Example(layout.text(text), (), text)


def _integer(number: int | str) -> Example:
    return Example(str(int(number)), (), int(number))


def _float(number: int | str) -> Example:
    value = float(number)
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError(number)
    return Example(repr(value), (), value)


def _decimal(number: int | str) -> Example:
    if not Decimal(number).is_finite():
        raise ValueError(number)
    return Example(f'Decimal("{number}")', (("!decimal", "Decimal"),), str(number))


_NUMBERS: Mapping[str, Callable[[int | str], Example]] = {"int": _integer, "float": _float, "Decimal": _decimal}


def _clock(at: time | datetime, least: int = 1) -> list[int]:
    """Minute, second and microsecond, as far as they are more than nothing; at least so many."""
    parts = [at.minute, at.second, at.microsecond]
    while len(parts) > least and not parts[-1]:
        parts.pop()
    return parts


def _written(name: str, *parts: int) -> str:
    return f"{name}({', '.join(map(str, parts))})"


def _duration(value: timedelta) -> str:
    """ISO 8601, as pydantic writes it."""
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days = f"{value.days}D" if value.days else ""
    rest = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if number)
    return f"P{days}{'T' if rest or not days else ''}{rest or ('' if days else '0S')}"


def _unquoted(typed: str) -> str:
    return typed[1:-1] if len(typed) > 1 and typed[0] == typed[-1] and typed[0] in "\"'" else typed


def member(shape: Shape, name: str) -> Example:
    """A member of an enumeration."""
    module, _, class_ = shape.name.rpartition(".")
    return Example(f"{class_}.{name}", ((module, class_),), shape.rules[name])


def chosen(candidates: Sequence[Example], *, other: bool) -> Example | None:
    """The first of some values, or the second."""
    if len(candidates) < (2 if other else 1):
        return None
    return candidates[1 if other else 0]


def accepts(shape: Shape, data: Any, rules: Mapping[str, Any] | None = None) -> bool:
    """Whether JSON of the right type obeys the constraints that are known."""
    rules = rules or {}
    match shape.kind:
        case "alias":
            return shape.of is not None and accepts(shape.of, data, {**shape.rules, **rules})
        case "optional":
            return data is None or accepts(shape.inner, data, rules)
        case "list" | "set":
            return _has_length(data, rules) and all(accepts(shape.inner, item) for item in data)
        case "dict":
            return _has_length(data, rules) and all(accepts(shape.inner, item) for item in data.values())
        case "literal":
            return data in shape.choices
    return scalar_obeys(shape.name, data, rules)


def scalar_obeys(name: str, data: Any, rules: Mapping[str, Any]) -> bool:
    """Whether a scalar, as JSON, obeys the constraints that are known."""
    if name == "str" and isinstance(data, str):
        return _text_obeys(data, rules)
    if name in ("int", "float", "Decimal"):
        return _number_obeys(Decimal(str(data)), rules)
    return True


def _has_length(data: Any, rules: Mapping[str, Any]) -> bool:
    return bool(rules.get("min_length", 0) <= len(data) <= rules.get("max_length", len(data)))


def lengths(rules: Mapping[str, Any]) -> tuple[int, int] | None:
    """The least and the greatest length of an example; None where there is none that anybody would read."""
    shortest, longest = rules.get("min_length", 0), rules.get("max_length", _LONGEST)
    if not isinstance(shortest, int) or not isinstance(longest, int) or not shortest <= min(longest, _LONGEST):
        return None
    return max(shortest, 0), min(longest, _LONGEST)


def has_example_text(rules: Mapping[str, Any]) -> bool:
    """Whether a text is known that obeys these constraints."""
    examples = rules.get("examples")
    if isinstance(examples, list) and examples:
        return isinstance(examples[0], str)
    return any(_text_obeys(text, rules) for text in _candidate_texts(rules))


def is_json(value: object) -> bool:
    """Whether JSON has it."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _candidate_texts(rules: Mapping[str, Any]) -> list[str]:
    bounds = lengths(rules)
    if bounds is None:
        return []
    shortest, longest = bounds
    padded = [text + text[-1] * (shortest - len(text)) for text in _TEXTS]
    return list(dict.fromkeys([*_TEXTS, *padded, *(text[:longest] for text in _TEXTS)]))


def _text_obeys(text: str, rules: Mapping[str, Any]) -> bool:
    bounds = lengths(rules)
    if bounds is None or not bounds[0] <= len(text) <= bounds[1]:
        return False
    pattern = rules.get("pattern")
    if pattern is None:
        return True
    try:
        return re.search(pattern, text) is not None
    except (re.error, TypeError):
        return False


_BOUNDS_OF_NUMBERS = frozenset({"ge", "gt", "le", "lt", "multiple_of"})


def _candidate_numbers(rules: Mapping[str, Any]) -> list[int]:
    bounds = [bound for name, bound in rules.items() if name in _BOUNDS_OF_NUMBERS and is_number(bound)]
    near = [int(bound) + step for bound in bounds if abs(bound) <= _LARGEST for step in (0, 1, -1, 2, -2)]
    return list(dict.fromkeys([1, 2, 10, 100, *near, 0]))


def is_number(value: object) -> bool:
    """Whether a bound is a number."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _number_obeys(number: Decimal, rules: Mapping[str, Any]) -> bool:
    def holds(name: str, bound: Decimal) -> bool:
        match name:
            case "ge":
                return number >= bound
            case "gt":
                return number > bound
            case "le":
                return number <= bound
            case "lt":
                return number < bound
            case "multiple_of":
                return bound != 0 and number % bound == 0
        return True

    return all(holds(name, Decimal(str(bound))) for name, bound in rules.items() if is_number(bound))
