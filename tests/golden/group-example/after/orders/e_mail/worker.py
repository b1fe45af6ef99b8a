"""Group `e-mail`: SERVED are the durable functions that it runs."""

from ..runtime.durable.rpc import Registration

GROUP = "e-mail"

SERVED: list[Registration] = []
