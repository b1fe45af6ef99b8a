"""Group `workers`: runs the workflows. SERVED is the whole registration."""

from functools import partial

from ..contracts import workflows as contracts
from ..engine import run_worker
from ..rpc import Served, check_served, serve
from ..schedules import put_in_place
from ..settings import Settings
from .place_order import place_order
from .schedules import SCHEDULES

GROUP = "workers"
# Begins the ids of the schedules: no other service on the same engine may have it.
SERVICE = "orders"

SERVED: list[Served] = [
    serve(contracts.place_order, place_order),
]

check_served(GROUP, contracts, SERVED)


async def run(settings: Settings) -> None:
    """Serve until the process is told to stop."""
    schedule = partial(put_in_place, schedules=SCHEDULES, service=SERVICE)
    await run_worker(settings, GROUP, SERVED, beside=schedule)
