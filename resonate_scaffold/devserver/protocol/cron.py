"""Cron expressions, in UTC.

Five fields are standard cron. Six or seven are the Resonate server's form: seconds first, the year last.
Numeric weekdays are standard cron's (0 and 7 are Sunday), whereas the Resonate server counts from Sunday = 1:
names (``MON-FRI``) mean the same on both.
"""

from __future__ import annotations

import re

from croniter import CroniterError, croniter

#: croniter's own extensions, ``H`` (hashed) and ``R`` (random). No server knows them, and a random next run
#: would make a replay of the journal differ from what happened.
_EXTENSION = re.compile(r"(?<![a-z])[hr](?![a-z])", re.IGNORECASE)


def is_valid(expression: str) -> bool:
    return not _EXTENSION.search(expression) and bool(croniter.is_valid(expression, second_at_beginning=True))


def next_run(expression: str, after: int) -> int | None:
    """The first time (ms) after `after` (ms) that matches; None when there is no such time."""
    try:
        # Whole seconds: cron knows no smaller unit, and floats of milliseconds would round.
        found: float = croniter(expression, after // 1000, second_at_beginning=True).get_next(float)
    except CroniterError:
        return None
    return int(found) * 1000
