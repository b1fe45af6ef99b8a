"""Group `billing`: SERVED are the durable functions that it runs."""

from ..runtime.durable.rpc import Registration

GROUP = "billing"

SERVED: list[Registration] = []
