"""The engine's clock, told from its answers: time-outs are counted from it, whatever this machine's clock says."""

import logging
from time import time

from ..telemetry import metrics

logger = logging.getLogger(__name__)

SKEW_WARNED = 2.0
"""Seconds between the two clocks from which on it is logged."""

SKEW_UNREADY = 30.0
"""Seconds from which on a process is unready: somebody must set a clock."""

_SLOW = 1.0


class EngineClock:
    """This machine's clock, corrected by as much as it differs from the engine's.

    Only a difference that is certain counts: an answer says when it was written, and that was between the request and
    its arrival here.
    """

    def __init__(self) -> None:
        self.skew = 0.0
        """Seconds that the engine's clock is ahead of this machine's."""

        self.is_known = False
        """Whether the engine has told its time."""

    def now_ms(self) -> int:
        """The engine's time, in Unix milliseconds."""
        return int((time() + self.skew) * 1000)

    def note(self, earliest: float, latest: float, *, sent: float, received: float) -> None:
        """Note an answer. All in Unix seconds: between which two the engine wrote it, by its own clock; when the request
        was sent and the answer received, by this machine's.
        """
        if self.is_known and received - sent > _SLOW:
            return  # It says less than what is known.
        least, most = earliest - received, latest - sent
        self.skew, self.is_known = max(least, min(most, 0.0)), True
        metrics.ENGINE_CLOCK_SKEW.set(self.skew)
        if self.is_off:
            logger.warning(
                "the engine's clock differs from this machine's by %.0f s: set the one that is wrong", self.skew
            )

    @property
    def is_off(self) -> bool:
        """Whether the two clocks differ by so much that it is logged."""
        return abs(self.skew) > SKEW_WARNED

    @property
    def problem(self) -> str | None:
        """What is wrong with the clocks, where this process is unready for it."""
        if abs(self.skew) <= SKEW_UNREADY:
            return None
        return f"the engine's clock differs from this machine's by {self.skew:.0f} s"
