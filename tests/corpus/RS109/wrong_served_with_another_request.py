# file: bees/__init__.py
# file: bees/rpc.py (shared)
# file: bees/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Inspect(BaseModel):
    hive: int


class Feed(BaseModel):
    hive: int
    sugar: float


class Seen(BaseModel):
    queen: bool


inspect = Rpc(name="db.inspect", group="db", request=Inspect, result=Seen)
feed = Rpc(name="db.feed", group="db", request=Feed, result=Seen)
top_up = Rpc(name="db.top_up", group="db", request=Feed, result=Seen)
# file: bees/db/__init__.py
# file: bees/db/hives.py
from resonate.context import Context

from ..contracts import Feed, Inspect, Seen


async def look(ctx: Context, request: Inspect) -> Seen:
    return Seen(queen=request.hive % 2 == 0)


async def give_sugar(ctx: Context, request: Feed) -> Seen:
    return Seen(queen=request.sugar > 0)
# file: bees/db/worker.py
from .. import contracts
from ..rpc import Served, serve
from . import hives

GROUP = "db"

SERVED: list[Served] = [
    serve(contracts.inspect, hives.look, retries=6),
    serve(contracts.feed, hives.look, retries=6),  # want: RS109
    serve(contracts.top_up, hives.give_sugar, retries=6),
]
