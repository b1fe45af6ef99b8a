# file: stamps/__init__.py
# file: stamps/rpc.py (shared)
# file: stamps/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Find(BaseModel):
    year: int


class Stamp(BaseModel):
    title: str


find_stamp = Rpc(name="db.find_stamp", group="db", request=Find, result=Stamp)
# file: stamps/db/__init__.py
# file: stamps/db/database.py
from dataclasses import dataclass


@dataclass
class Database:
    url: str

    async def title(self, year: int) -> str:
        return f"{self.url}#{year}"


@dataclass
class ReadOnlyDatabase(Database):
    replica: int = 0
# file: stamps/db/find.py
from resonate.context import Context

from ..contracts import Find, Stamp
from .database import Database


async def load(ctx: Context, request: Find) -> Stamp:
    database = ctx.get_dependency(Database)  # want: RS112
    return Stamp(title=await database.title(request.year))
# file: stamps/db/worker.py
import asyncio

from resonate.resonate import Resonate
from resonate.retry import Exponential

from ..contracts import find_stamp
from ..rpc import serve
from .database import ReadOnlyDatabase
from .find import load

GROUP = "db"

SERVED = [serve(find_stamp, load, retries=6)]


async def run(url: str, database_url: str) -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=6)
    client = Resonate(url=url, group=GROUP, retry_policy=policy, autostart=False)
    database: ReadOnlyDatabase = ReadOnlyDatabase(database_url, replica=2)
    client.with_dependency(database)
    for entry in SERVED:
        client.register(entry.function, name=entry.contract.name, version=entry.contract.version)
    client.start()
    await asyncio.Event().wait()
