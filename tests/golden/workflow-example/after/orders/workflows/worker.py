"""Group `workers`: SERVED are its workflows, SCHEDULES starts them by the clock, DEPENDENCIES is what steps ask for."""

from ..runtime.durable.rpc import Registration
from ..runtime.durable.schedules import Schedule
from ..runtime.service import Dependency
from .aggregate import aggregate
from .process_job import process_job
from .review_accounts import review_accounts

GROUP = "workers"

SERVED: list[Registration] = [
    process_job,
    aggregate,
    review_accounts,
]

DEPENDENCIES: list[Dependency] = []

SCHEDULES: list[Schedule] = []
