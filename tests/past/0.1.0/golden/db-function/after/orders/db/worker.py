"""Group `db`: runs the durable database functions. SERVED is the whole registration."""

from ..contracts import db as contracts
from ..engine import run_worker
from ..rpc import Served, check_served, serve
from ..settings import Settings
from .database import Database
from .reserve_stock import reserve_stock

GROUP = "db"

# Retries ride out a database that is away for a minute or two; `Rpc.timeout` bounds them.
SERVED: list[Served] = [
    serve(contracts.reserve_stock, reserve_stock, retries=6),
]

check_served(GROUP, contracts, SERVED)


async def run(settings: Settings) -> None:
    """Serve until the process is told to stop."""
    async with Database(settings.database_url) as database:
        await database.check_schema()
        await run_worker(settings, GROUP, SERVED, [database])
