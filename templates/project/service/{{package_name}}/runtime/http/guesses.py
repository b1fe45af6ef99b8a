"""How quickly wrong API keys are answered: one after another from the same address, slowly."""

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address
from time import monotonic

FREE = 10
"""Wrong keys of an address within WINDOW that are answered at once."""
WINDOW = 60.0
"""Seconds."""
PAUSE = 1.0
"""Seconds until each further one is answered."""
_MOST_ADDRESSES = 10_000


class Guesses:
    """Counts wrong keys by the client's address; of IPv6 by its first 64 bits, of which a client has all addresses.

    It forgets the address that guessed longest ago where it knows 10,000. A right key is never slowed, since many
    clients may share an address.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def pause(self, address: str) -> float:
        """Count a wrong key; return how many seconds its answer has to wait."""
        source, now = _source(address), monotonic()
        began, count = self._known.pop(source, (now, 0))
        if now - began > WINDOW:
            began, count = now, 0
        self._known[source] = (began, count + 1)
        if len(self._known) > _MOST_ADDRESSES:
            self._known.popitem(last=False)
        return PAUSE if count >= FREE else 0.0


def _source(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:  # a Unix socket, or a proxy's own name for a client
        return address
    if not isinstance(parsed, IPv6Address) or parsed.ipv4_mapped:
        return str(getattr(parsed, "ipv4_mapped", None) or parsed)
    return parsed.exploded[:19]
