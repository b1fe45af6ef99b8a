"""Group `workers`: SERVED are its workflows, SCHEDULES starts them by the clock, DEPENDENCIES is what steps ask for."""

from ..clients.payments import Payments
from ..runtime.durable.http_api import OpenHttpApi
from ..runtime.durable.rpc import Registration
from ..runtime.durable.schedules import Schedule
from ..runtime.service import Dependency

GROUP = "workers"

SERVED: list[Registration] = []

DEPENDENCIES: list[Dependency] = [
    OpenHttpApi(Payments),
]

SCHEDULES: list[Schedule] = []
