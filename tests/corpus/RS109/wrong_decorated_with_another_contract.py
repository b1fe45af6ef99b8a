# file: hives/runtime/durable/rpc.py (shared)
# file: hives/runtime/engine/client.py (shared)
# file: hives/contracts/db/inspect_hive.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class InspectHive(BaseModel):
    hive: int


class Seen(BaseModel):
    queen: bool


inspect_hive = Rpc(name="db.inspect_hive", group="db", request=InspectHive, result=Seen)
# file: hives/contracts/db/feed_hive.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class FeedHive(BaseModel):
    hive: int
    sugar: float


class Fed(BaseModel):
    kilos: float


feed_hive = Rpc(name="db.feed_hive", group="db", request=FeedHive, result=Fed)
# file: hives/db/inspect_hive.py
from resonate.context import Context

from ..contracts.db import inspect_hive as contract
from ..contracts.db.inspect_hive import InspectHive, Seen
from ..runtime.durable.rpc import serve


@serve(contract.inspect_hive, retries=6)
async def inspect_hive(ctx: Context, request: InspectHive) -> Seen:
    return Seen(queen=request.hive % 2 == 0)
# file: hives/db/feed_hive.py
from resonate.context import Context

from ..contracts.db import feed_hive as contract
from ..contracts.db.inspect_hive import InspectHive, Seen
from ..runtime.durable.rpc import serve


@serve(contract.feed_hive, retries=6)  # want: RS109
async def feed_hive(ctx: Context, request: InspectHive) -> Seen:
    return Seen(queen=request.hive > 0)
# file: hives/db/worker.py
from ..runtime.durable.rpc import Registration
from .feed_hive import feed_hive
from .inspect_hive import inspect_hive

GROUP = "db"

SERVED: list[Registration] = [inspect_hive, feed_hive]
