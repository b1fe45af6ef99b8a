"""A circuit breaker: while the engine is away, requests fail at once, and one at a time tries whether it is back."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from ..errors import EngineRefused, EngineUnavailable

FAILURES = 3
"""So many requests in a row must fail before the engine counts as away."""

PAUSE = 1.0
"""Seconds after a failed request until another one tries."""


class Breaker:
    """The circuit breaker of one process.

    After :data:`FAILURES` in a row it is open: a request fails at once, but for one at a time, :data:`PAUSE` after the
    last failure. What the engine answers, a refusal included, closes it again.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._next_try = 0.0
        self._trying = False

    @property
    def is_open(self) -> bool:
        """Whether requests fail at once."""
        return self._failures >= FAILURES

    @contextmanager
    def request(self, *, probe: bool = False) -> Iterator[None]:
        """Make a request inside. A ``probe`` is made in any case.

        Raises:
            EngineUnavailable: it is open.
        """
        was_open = self.is_open
        if was_open and not probe and (self._trying or monotonic() < self._next_try):
            raise EngineUnavailable("the engine has not answered lately")
        self._trying = self._trying or was_open
        try:
            yield
            self._failures = 0
        except EngineRefused:
            self._failures = 0
            raise
        except EngineUnavailable:
            self._failures += 1
            self._next_try = monotonic() + PAUSE
            raise
        except Exception:  # The engine has answered, with a refusal.
            self._failures = 0
            raise
        finally:
            if was_open:
                self._trying = False
