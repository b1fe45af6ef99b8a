"""Stand-ins for what other teams serve, in development and tests; the command `fake GROUP` runs those of one group."""

from ..runtime.durable.rpc import Registration
from .payments_charge import charge
from .payments_refund import refund

SERVED: list[Registration] = [
    charge,
    refund,
]
