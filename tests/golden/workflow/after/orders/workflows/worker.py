"""Group `workers`: SERVED are the workflows that it runs, SCHEDULES what the engine starts by the clock, in UTC."""

from ..runtime.durable.rpc import Registration
from ..runtime.durable.schedules import Schedule
from .place_order import place_order

GROUP = "workers"

SERVED: list[Registration] = [
    place_order,
]

SCHEDULES: list[Schedule] = []
