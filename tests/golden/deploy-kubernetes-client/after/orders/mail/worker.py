"""Group `mail`.

SERVED are the durable functions that it runs, DEPENDENCIES what they ask for by type.
"""

from ..clients.payments import Payments
from ..runtime.durable.http_api import OpenHttpApi
from ..runtime.durable.rpc import Registration
from ..runtime.service import Dependency

GROUP = "mail"

SERVED: list[Registration] = []

DEPENDENCIES: list[Dependency] = [
    OpenHttpApi(Payments),
]
