"""What this process waits for elsewhere: calls that others should take, and runs that end at a deadline.

Kept in memory and bounded: what is forgotten is only not warned of. `engine.watch` looks at it.
"""

from collections import OrderedDict
from dataclasses import dataclass
from time import monotonic

_CALLS_A_GROUP = 5
_RUNS = 10_000


@dataclass(slots=True)
class Call:
    """A call whose group should take it. ``since`` is when it was made, or last seen to change hands (monotonic)."""

    function: str
    since: float
    version: int = 0


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a run is timed out, in Unix milliseconds."""

    function: str
    timeout_at: int


calls: dict[str, dict[str, Call]] = {}
"""By group as the engine knows it, then by the promise's id on the engine."""

deadlines: OrderedDict[str, Deadline] = OrderedDict()
"""By the promise's id on the engine."""


def note_call(group: str, promise: str, function: str) -> None:
    """Note a call to a group. A few of each group are enough: if nobody serves it, all of its calls stand still."""
    noted = calls.setdefault(group, {})
    if promise not in noted and len(noted) < _CALLS_A_GROUP:
        noted[promise] = Call(function, monotonic())


def note_deadline(promise: str, function: str, timeout_at: int) -> None:
    """Note a run that waits: the engine ends it at its deadline, and tells nobody."""
    deadlines[promise] = Deadline(function, timeout_at)
    deadlines.move_to_end(promise)
    if len(deadlines) > _RUNS:
        deadlines.popitem(last=False)


def forget_deadline(promise: str) -> None:
    """Forget a run that has ended."""
    deadlines.pop(promise, None)


def forget() -> None:
    """Forget everything: on another engine the same ids are other calls."""
    calls.clear()
    deadlines.clear()
