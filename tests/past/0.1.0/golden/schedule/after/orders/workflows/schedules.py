"""What the engine starts by the clock: the worker puts this list in place, and removes what has left it."""

from ..contracts import workflows
from ..schedules import Schedule

SCHEDULES: list[Schedule] = [
    Schedule("nightly", "30 2 * * MON-FRI", workflows.tidy_up, workflows.TidyUp()),
]
