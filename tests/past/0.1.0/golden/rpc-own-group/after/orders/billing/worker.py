"""Group `billing`. SERVED is the whole registration."""

from ..contracts import billing as contracts
from ..engine import run_worker
from ..rpc import Served, check_served, serve
from ..settings import Settings
from .send_invoice import send_invoice

GROUP = "billing"

SERVED: list[Served] = [
    serve(contracts.send_invoice, send_invoice),
]

check_served(GROUP, contracts, SERVED)


async def run(settings: Settings) -> None:
    """Serve until the process is told to stop."""
    await run_worker(settings, GROUP, SERVED)
