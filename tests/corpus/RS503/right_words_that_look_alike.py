# file: ietf/rpc.py (shared)
# file: ietf/__init__.py
# file: ietf/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Read(BaseModel):
    rfc: int


class Text(BaseModel):
    rfc: int
    time: str
    random: int


read = Rpc(name="read", group="workers", request=Read, result=Text)
# file: ietf/reading.py
from resonate.context import Context

from .contracts import Read, Text


async def read_text(ctx: Context, request: Read) -> Text:
    """`rfc`, `time` and `random` are fields of models here."""
    found = await ctx.run(fetch, request.rfc)
    return Text(rfc=found.rfc, time=found.time, random=found.random)


async def fetch(ctx: Context, rfc: int) -> Text:
    return Text(rfc=rfc, time="1999-06", random=4)
# file: ietf/worker.py
from . import contracts
from .reading import read_text
from .rpc import Served, serve

GROUP = "workers"

SERVED: list[Served] = [serve(contracts.read, read_text)]
