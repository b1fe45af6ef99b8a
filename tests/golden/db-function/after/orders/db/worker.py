"""Group `db`: SERVED are the database functions that it runs, DEPENDENCIES what they ask for by type."""

from pathlib import Path

from ..runtime.database import OpenDatabase
from ..runtime.durable.rpc import Registration
from ..runtime.service import Dependency
from .reserve_stock import reserve_stock

GROUP = "db"

SERVED: list[Registration] = [
    reserve_stock,
]

DEPENDENCIES: list[Dependency] = [
    OpenDatabase(migrations=Path(__file__).with_name("migrations")),
]
