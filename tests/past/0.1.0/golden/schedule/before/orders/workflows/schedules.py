"""What the engine starts by the clock: the worker puts this list in place, and removes what has left it."""

from ..schedules import Schedule

SCHEDULES: list[Schedule] = []
