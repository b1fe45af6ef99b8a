# file: museum/__init__.py
# file: museum/rpc.py (shared)
# file: museum/groups.py
ARCHIVE = "archive"
# file: museum/contracts.py
from pydantic import BaseModel

from .groups import ARCHIVE
from .rpc import Rpc


class Piece(BaseModel):
    number: int


class Found(BaseModel):
    place: str


class Moved(BaseModel):
    ok: bool


locate = Rpc(name="archive.locate", group=ARCHIVE, request=Piece, result=Found)
lend_out: Rpc[Piece, Moved] = Rpc(name="archive.lend", group=ARCHIVE, request=Piece, result=Moved)
take_back: Rpc[Piece, Moved] = Rpc(name="archive.back", group=ARCHIVE, request=Piece, result=Moved)  # want: RS103
# file: museum/archive/__init__.py
# file: museum/archive/reads.py
from resonate.context import Context

from ..contracts import Found, Piece, locate
from ..rpc import serve


async def find(ctx: Context, piece: Piece) -> Found:
    return Found(place=f"room {piece.number}")


READS = [serve(locate, find, retries=3)]
# file: museum/archive/writes.py
from resonate.context import Context

from .. import contracts as c
from ..rpc import serve


async def lend(ctx: Context, piece: c.Piece) -> c.Moved:
    return c.Moved(ok=piece.number > 0)


WRITES = [serve(c.lend_out, lend)]
# file: museum/archive/worker.py
from ..groups import ARCHIVE
from .reads import READS
from .writes import WRITES

GROUP = ARCHIVE

SERVED = [*READS, *WRITES]
