"""Group `workers`: SERVED are its workflows, SCHEDULES starts them by the clock, DEPENDENCIES is what steps ask for."""

from ..runtime.durable.rpc import Registration
from ..runtime.durable.schedules import Schedule
from ..runtime.service import Dependency
from .tidy_up import tidy_up

GROUP = "workers"

SERVED: list[Registration] = [
    tidy_up,
]

DEPENDENCIES: list[Dependency] = []

SCHEDULES: list[Schedule] = []
