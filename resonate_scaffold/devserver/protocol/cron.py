"""Cron expressions as the Resonate server reads them, in UTC.

Five fields are minute, hour, day of month, month, weekday; six begin with seconds, seven end with the year. Weekdays
are numbered from Sunday = 1, and a day must fit both of its fields. ``?`` is ``*``; ``@daily`` and its like are known.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import product

_MONTHS = ("january", "february", "march", "april", "may", "june")
_MONTHS_FROM_JULY = ("july", "august", "september", "october", "november", "december")
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_SHORTHANDS = {
    "@yearly": "0 0 0 1 1 * *",
    "@monthly": "0 0 0 1 * * *",
    "@weekly": "0 0 0 * * 1 *",
    "@daily": "0 0 0 * * * *",
    "@hourly": "0 0 * * * * *",
}
#: First and last value of each field, and its names.
_FIELDS: tuple[tuple[int, int, tuple[str, ...]], ...] = (
    *(
        (0, 59, ()),
        (0, 59, ()),
        (0, 23, ()),
        (1, 31, ()),
        (1, 12, _MONTHS + _MONTHS_FROM_JULY),
        (1, 7, _DAYS),
        (1970, 2100, ()),
    ),
)
_ITEM = re.compile(r"(?:(?P<all>[*?])|(?P<low>\w+)(?:-(?P<high>\w+))?)(?:/(?P<step>\d+))?", re.ASCII)


@dataclass(frozen=True)
class _Cron:
    """The values of each field, in order."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    years: tuple[int, ...]

    def after(self, moment: datetime) -> datetime | None:
        """The first time that matches, later than `moment`."""
        for year, month in product(self.years, self.months):
            if (year, month) < (moment.year, moment.month):
                continue
            for day in self._days(year, month):
                today = (year, month, day) == (moment.year, moment.month, moment.day)
                if (year, month, day) < (moment.year, moment.month, moment.day):
                    continue
                for time in product(self.hours, self.minutes, self.seconds):
                    if not today or time > (moment.hour, moment.minute, moment.second):
                        return datetime(year, month, day, *time, tzinfo=UTC)
        return None

    def _days(self, year: int, month: int) -> Iterator[int]:
        first, length = calendar.monthrange(year, month)  # Monday is 0 there, and 2 here
        return (day for day in self.days if day <= length and (first + day) % 7 + 1 in self.weekdays)


def is_valid(expression: str) -> bool:
    try:
        _parse(expression)
    except ValueError:
        return False
    return True


def next_run(expression: str, after: int) -> int | None:
    """The first time (ms) after `after` (ms) that matches; None when there is none, or no more.

    Raises ValueError when `expression` is not a cron expression.
    """
    try:
        found = _parse(expression).after(datetime.fromtimestamp(after // 1000, UTC))
    except (OverflowError, OSError):  # a clock beyond all years
        return None
    return int(found.timestamp()) * 1000 if found else None


@lru_cache(maxsize=256)
def _parse(expression: str) -> _Cron:
    texts = _SHORTHANDS.get(expression.strip(), expression).split()
    if len(texts) == 5:
        texts = ["0", *texts]
    if len(texts) == 6:
        texts = [*texts, "*"]
    if len(texts) != 7:
        raise ValueError(f"not a cron expression: {expression!r}")
    return _Cron(*(_values(text, *field) for text, field in zip(texts, _FIELDS, strict=True)))


def _values(text: str, first: int, last: int, names: tuple[str, ...]) -> tuple[int, ...]:
    """The values that a field stands for; ValueError when it is none."""
    values = set[int]()
    for item in text.split(","):
        match = _ITEM.fullmatch(item)
        if match is None:
            raise ValueError(f"{item!r} is no value of a cron expression")
        low = first if match["all"] else _value(match["low"], names)
        high = last if match["all"] or (match["step"] and not match["high"]) else low
        if match["high"]:
            high = _value(match["high"], names)
        step = int(match["step"] or 1)
        if not first <= low <= high <= last or step == 0:
            raise ValueError(f"{item!r} is not within {first} and {last}, upwards")
        values |= set(range(low, high + 1, step))
    return tuple(sorted(values))


def _value(text: str, names: tuple[str, ...]) -> int:
    name = text.lower()
    for number, full in enumerate(names, start=1):
        if name in (full, full[:3]):
            return number
    return int(text)
