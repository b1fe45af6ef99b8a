"""Stand-ins for what other teams serve, in development and tests; the command `fake GROUP` runs those of one group."""

from ..runtime.durable.rpc import Registration
from .payments_workers_charge import charge

SERVED: list[Registration] = [
    charge,
]
