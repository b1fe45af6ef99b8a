"""Group `mail`.

SERVED are the durable functions that it runs, DEPENDENCIES what they ask for by type.
"""

from ..runtime.durable.rpc import Registration
from ..runtime.service import Dependency

GROUP = "mail"

SERVED: list[Registration] = []

DEPENDENCIES: list[Dependency] = []
