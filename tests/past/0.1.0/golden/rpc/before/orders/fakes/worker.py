"""Stand-ins for durable functions that other teams serve, for development and tests.

They never run in production unless asked by name: `fake GROUP` serves those of one group. SERVED is the whole
registration; the contract says which group a stand-in belongs to.
"""

from ..engine import run_worker
from ..rpc import Served
from ..settings import Settings

SERVED: list[Served] = []


class UnknownGroup(Exception):
    """There is no stand-in for the group that was asked for."""


async def run(settings: Settings, group: str) -> None:
    """Serve the stand-ins of one group until the process is told to stop."""
    served = [entry for entry in SERVED if entry.contract.group == group]
    if not served:
        groups = ", ".join(sorted({entry.contract.group for entry in SERVED})) or "none yet"
        raise UnknownGroup(f"there is no stand-in for group {group!r}\nGroups that have some: {groups}")
    await run_worker(settings, group, served)
