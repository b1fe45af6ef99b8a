"""Group `billing`. SERVED is the whole registration."""

from ..contracts import billing as contracts
from ..engine import run_worker
from ..rpc import Served, check_served
from ..settings import Settings

GROUP = "billing"

SERVED: list[Served] = []

check_served(GROUP, contracts, SERVED)


async def run(settings: Settings) -> None:
    """Serve until the process is told to stop."""
    await run_worker(settings, GROUP, SERVED)
