"""Cron expressions that every engine reads alike, in UTC.

Five fields: minute, hour, day of month, month, day of week. Each is ``*`` or a list of values, ranges upwards
(``8-18``) and steps (``*/5``, ``0-30/10``). Months may be named; weekdays must be. The engines (a Resonate server,
resonate-pg and the ones for development) agree about nothing else: what one of them runs, another refuses, or runs on
another day.

It imports nothing of the runtime: `resonate-scaffold add schedule` judges by this module, too.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import NamedTuple

DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")

_FIVE = "Give minute, hour, day, month and weekday, such as 0 2 * * MON."
_STEPPED = re.compile(r"(?P<range>[^/]+)(?:/(?P<step>[0-9]{1,2}))?")
_NUMBER = re.compile(r"[0-9]{1,2}")
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_LONGEST_GAP = 8 * 366 + 1
"""Days: from one 29 February to the next, where a century has none."""

# Milliseconds, and the ordinal of the day at which they are counted from.
_DAY, _MINUTE = 86_400_000, 60_000
_EPOCH = date(1970, 1, 1).toordinal()


class CronProblem(NamedTuple):
    """Why not every engine reads an expression alike, and what to write instead."""

    problem: str
    remedy: str


class _Refused(Exception):
    """Carries a problem and its remedy out of a field."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    first: int
    last: int
    names: tuple[str, ...] = ()
    numbered: bool = True

    def values(self, text: str) -> set[int]:
        """The values that a field's text stands for."""
        return {value for item in text.split(",") for value in self._item(item)}

    def spelled(self, value: int, *, named: bool) -> str:
        """A value as it is written."""
        return self.names[value - self.first] if named else str(value)

    def _item(self, item: str) -> Iterator[int]:
        match = _STEPPED.fullmatch(item)
        if not match:
            raise _Refused(f"{item!r} is no {self.name}", self._example())
        ends, step = match["range"], match["step"]
        if step is not None and not 0 < int(step) <= self.last:
            raise _Refused(f"{item!r} has no step that a {self.name} can take", f"Give one of 1 to {self.last}.")
        if ends == "*":
            return iter(range(self.first, self.last + 1, int(step or 1)))
        lower, dash, upper = ends.partition("-")
        start, named = self._value(lower, item)
        if not dash:
            if step is not None:
                upwards = f"{lower}-{self.spelled(self.last, named=named)}/{step}"
                raise _Refused(f"not every engine knows {item!r}", f"Write the range: {upwards}.")
            return iter([start])
        end, also_named = self._value(upper, item)
        if named is not also_named:
            raise _Refused(f"not every engine knows {item!r}", "Write both ends as numbers, or both as names.")
        if start >= end:
            raise _Refused(f"not every engine knows {item!r}", self._split(start, end, step, named=named))
        return iter(range(start, end + 1, int(step or 1)))

    def _value(self, text: str, item: str) -> tuple[int, bool]:
        """A value, and whether it was written as a name."""
        if text.upper() in self.names:
            return self.first + self.names.index(text.upper()), True
        if not _NUMBER.fullmatch(text):
            raise _Refused(f"{item!r} is no {self.name} that every engine knows", self._example())
        if not self.numbered:
            raise _Refused(
                f"engines disagree about {item!r}: some count from Sunday, some from Monday", self._example()
            )
        if not self.first <= int(text) <= self.last:
            raise _Refused(f"{item!r} is no {self.name}", f"{self.name.title()}s are {self.first} to {self.last}.")
        return int(text), False

    def _split(self, start: int, end: int, step: str | None, *, named: bool) -> str:
        """How to write a range that goes round the end of the field, or of one value."""
        if start == end:
            return f"Write the value: {self.spelled(start, named=named)}."
        if step is not None:
            values = [*range(start, self.last + 1), *range(self.first, end + 1)][:: int(step)]
            return f"Write the values: {','.join(self.spelled(value, named=named) for value in sorted(values))}."
        parts = [(start, self.last), (self.first, end)]
        written = [
            self.spelled(a, named=named) + (f"-{self.spelled(b, named=named)}" if b > a else "") for a, b in parts
        ]
        return f"Write the ranges: {','.join(written)}."

    def _example(self) -> str:
        if self.name == "weekday":
            return "Name weekdays: MON, MON-FRI, SAT,SUN."
        if self.name == "day":
            return "Give days by number; for the last day of a month, run on 28-31 and let the workflow look."
        values = f"{self.first} to {self.last}" + (f", {self.names[0]} to {self.names[-1]}" if self.names else "")
        return f"{self.name.title()}s are {values}; also *, */N, A-B, A-B/N, or a list of them."


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, MONTHS),
    _Field("weekday", 0, 6, DAYS, numbered=False),
)


def find_problem(expression: str) -> CronProblem | None:
    """What keeps an expression from meaning the same on every engine; None where nothing does."""
    texts = expression.split()
    if len(texts) != len(_FIELDS):
        return CronProblem(f"it has {len(texts)} fields, not five", _FIVE)
    try:
        _, _, days, months, _ = (field.values(text) for field, text in zip(_FIELDS, texts, strict=True))
    except _Refused as refused:
        return CronProblem(*refused.args)
    if texts[2] != "*" and texts[4] != "*":
        return CronProblem("engines disagree about a day of the month with a weekday", "Leave one of the two *.")
    if min(days) > max(_LONGEST_MONTHS[month - 1] for month in months):
        return CronProblem("it never comes", "No such month has such a day.")
    return None


def find_next(expression: str, moment: int) -> int | None:
    """The first time after a moment, both in Unix ms; None where the calendar ends. The expression has no problem."""
    return _find(expression, moment, 1)


def find_previous(expression: str, moment: int) -> int | None:
    """The last time before a moment, both in Unix ms; None where the calendar ends. The expression has no problem."""
    return _find(expression, moment, -1)


def _find(expression: str, moment: int, step: int) -> int | None:
    minutes, is_day = _read(expression)
    today = moment // _DAY
    for day in range(today, today + step * _LONGEST_GAP, step):
        try:
            found = is_day(date.fromordinal(_EPOCH + day))
        except (ValueError, OverflowError):
            return None
        if found:
            times = [day * _DAY + minute * _MINUTE for minute in minutes]
            left = [time for time in times if (time - moment) * step > 0]
            if left:
                return left[0] if step > 0 else left[-1]
    return None


@lru_cache(maxsize=256)
def _read(expression: str) -> tuple[list[int], Callable[[date], bool]]:
    """The minutes of a day at which it comes, in order, and on which days."""
    pairs = zip(_FIELDS, expression.split(), strict=True)
    minutes, hours, days, months, weekdays = (field.values(text) for field, text in pairs)

    def is_day(day: date) -> bool:
        return day.month in months and day.day in days and day.isoweekday() % 7 in weekdays

    return sorted(hour * 60 + minute for hour in hours for minute in minutes), is_day
