"""Group `billing`.

SERVED are the durable functions that it runs, DEPENDENCIES what they ask for by type.
"""

from ..runtime.durable.rpc import Registration
from ..runtime.service import Dependency
from .send_invoice import send_invoice

GROUP = "billing"

SERVED: list[Registration] = [
    send_invoice,
]

DEPENDENCIES: list[Dependency] = []
