"""Group `billing`: SERVED are the durable functions that it runs."""

from ..runtime.durable.rpc import Registration
from .send_invoice import send_invoice

GROUP = "billing"

SERVED: list[Registration] = [
    send_invoice,
]
