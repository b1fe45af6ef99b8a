# file: farm/__init__.py
# file: farm/rpc.py (shared)
# file: farm/contracts/__init__.py
# file: farm/contracts/db.py
from pydantic import BaseModel

from ..rpc import Rpc


class Cow(BaseModel):
    tag: str


class Milk(BaseModel):
    litres: float


weigh = Rpc(name="db.weigh", group="db", request=Cow, result=Milk)
milk = Rpc("db.milk", "db", Cow, Milk)
feed = Rpc("db.feed", group="db", request=Cow, result=Milk, version=2)
# file: farm/contracts/everything.py
from .db import feed, milk, weigh

__all__ = ["feed", "milk", "weigh"]
# file: farm/db/__init__.py
# file: farm/db/barn.py
from resonate.context import Context

from ..contracts.db import Cow, Milk


async def measure(ctx: Context, cow: Cow) -> Milk:
    return Milk(litres=len(cow.tag))
# file: farm/db/worker.py
from ..contracts import everything
from ..contracts.db import milk as milking, weigh
from ..rpc import Served, serve as pair
from .barn import measure

GROUP = "db"

MORE = [pair(everything.feed, measure)]
SERVED: list[Served] = [pair(contract=weigh, function=measure, retries=2)] + MORE
SERVED.append(pair(milking, measure))
