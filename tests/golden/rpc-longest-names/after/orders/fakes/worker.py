"""Stand-ins for what other teams serve, in development and tests; the command `fake GROUP` runs those of one group."""

from ..runtime.durable.rpc import Registration
from .zz_a_service_with_a_name_of_forty_letter_a_group_of_20_letter_a_name_of_17_char import a_name_of_17_char

SERVED: list[Registration] = [
    a_name_of_17_char,
]
