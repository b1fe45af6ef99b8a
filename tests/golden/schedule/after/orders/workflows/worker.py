"""Group `workers`: SERVED are the workflows that it runs, SCHEDULES what the engine starts by the clock, in UTC."""

from ..contracts.workflows.tidy_up import TidyUp
from ..runtime.durable.rpc import Registration
from ..runtime.durable.schedules import Schedule
from .tidy_up import tidy_up

GROUP = "workers"

SERVED: list[Registration] = [
    tidy_up,
]

SCHEDULES: list[Schedule] = [
    Schedule("nightly", "30 2 * * MON-FRI", tidy_up, TidyUp()),
]
