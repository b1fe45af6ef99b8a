"""Group `db`: SERVED are the database functions that it runs, DEPENDENCIES what they ask for by type."""

from pathlib import Path

from ..runtime.database import OpenDatabase
from ..runtime.durable.rpc import Registration
from ..runtime.service import Dependency
from .get_account import get_account
from .save_result import save_result

GROUP = "db"

SERVED: list[Registration] = [
    get_account,
    save_result,
]

DEPENDENCIES: list[Dependency] = [
    OpenDatabase(migrations=Path(__file__).with_name("migrations")),
]
