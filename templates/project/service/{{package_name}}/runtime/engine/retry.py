"""Which failures are tried again, and after how long."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from resonate.retry import RetryPolicy

LONGEST_RETRY_AFTER = 300
"""Seconds that a `Retry-After` may ask for: whatever waits keeps its place in the process."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Tries again ``count`` times, after ``first`` seconds, then twice as long each time, at most ``cap``.

    ``on`` are the exceptions that are worth another try; a `Failure` never is. Where an exception carries an HTTP
    answer (as those of httpx, requests and aiohttp do), its `Retry-After` counts where it asks for more.

    Pass it to `serve(contract, retry=…)`, and for a step to `ctx.options(retry_policy=…)`. Only what makes no durable
    call itself is tried again: a workflow continues from its records instead.
    """

    count: int
    first: int = 2
    cap: int = 30
    on: tuple[type[Exception], ...] = (Exception,)

    def next(self, attempt: int) -> int | None:
        """Seconds to wait before this attempt, the first retry being 1; None: there is none."""
        return min(self.first * 2 ** (attempt - 1), self.cap) if attempt <= self.count else None


STEP_RETRY = Retry(count=3, cap=10)
"""Of steps, where nothing else is said: after 2, 4 and 8 s. The SDK's own policy doubles 30 times."""


def pause_before(policy: RetryPolicy, attempt: int, error: Exception) -> int | None:
    """Seconds until an attempt that follows an error, the first retry being 1; None: there is none."""
    if isinstance(policy, Retry) and not isinstance(error, policy.on):
        return None
    pause = policy.next(attempt)
    return None if pause is None else max(pause, min(_retry_after(error), LONGEST_RETRY_AFTER))


def _retry_after(error: Exception) -> int:
    """The seconds of `Retry-After` (RFC 9110, 10.2.3: seconds or a date) in the HTTP answer of an exception, or 0."""
    headers: Any = getattr(getattr(error, "response", error), "headers", None)
    given = headers.get("Retry-After") if hasattr(headers, "get") else None
    if not isinstance(given, str):
        return 0
    if given.isdecimal() and given.isascii():
        return int(given[:9])
    try:
        until = parsedate_to_datetime(given)
    except ValueError:
        return 0
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(math.ceil((until - datetime.now(UTC)).total_seconds()), 0)
