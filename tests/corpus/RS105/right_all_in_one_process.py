# file: notes/__init__.py
# file: notes/rpc.py (shared)
# file: notes/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Note(BaseModel):
    text: str


class Saved(BaseModel):
    number: int


write = Rpc(name="write", group="workers", request=Note, result=Saved)
save = Rpc(name="db.save", group="db", request=Note, result=Saved)
# file: notes/workflows/__init__.py
# file: notes/workflows/worker.py
from resonate.context import Context

from ..contracts import Note, Saved, save, write
from ..rpc import serve

GROUP = "workers"


async def write_note(ctx: Context, note: Note) -> Saved:
    return await save(ctx, note)


SERVED = [serve(write, write_note)]
# file: notes/db/__init__.py
# file: notes/db/worker.py
from resonate.context import Context

from ..contracts import Note, Saved, save
from ..rpc import serve

GROUP = "db"


async def save_note(ctx: Context, note: Note) -> Saved:
    return Saved(number=len(note.text))


SERVED = [serve(save, save_note, retries=6)]
# file: notes/dev.py
from .db import worker as db
from .rpc import Served
from .workflows import worker as workers

SERVED: list[Served] = [*workers.SERVED, *db.SERVED]
# file: tests/test_write.py
from notes.contracts import Note, Saved, save, write
from notes.rpc import serve
from notes.workflows.worker import write_note

GROUP = "test"


async def nothing(ctx, note: Note) -> Saved:
    return Saved(number=0)


def test_pairs() -> None:
    served = [serve(save, nothing), serve(write, write_note)]
    assert [entry.contract.group for entry in served] == ["db", "workers"]
