# file: notes/__init__.py
# file: notes/rpc.py
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from resonate.context import Context, ResonateFuture


class DurableCall[R: BaseModel]:
    def __init__(self, future: ResonateFuture[Any], result: type[R]) -> None:
        self._future = future
        self._result = result

    def __await__(self) -> Generator[Any, None, R]:
        value = yield from self._future.__await__()
        return self._result.model_validate(value)


@dataclass(frozen=True, slots=True)
class Rpc[Q: BaseModel, R: BaseModel]:
    name: str
    group: str
    request: type[Q]
    result: type[R]
    timeout: timedelta = timedelta(minutes=5)
    version: int = 1

    def __call__(self, ctx: Context, request: Q) -> DurableCall[R]:
        options = ctx.options(target=self.group, timeout=self.timeout, version=self.version)
        return DurableCall(options.rpc(self.name, request.model_dump(mode="json")), self.result)


@dataclass(frozen=True, slots=True)
class Served:
    contract: Rpc[Any, Any]
    function: Callable[[Context, dict[str, Any]], Awaitable[dict[str, Any]]]


def serve[Q: BaseModel, R: BaseModel](
    contract: Rpc[Q, R], function: Callable[[Context, Q], Awaitable[R]], *, retries: int = 0
) -> Served:
    async def run(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
        result = await function(ctx, contract.request.model_validate(request))
        return result.model_dump(mode="json")

    return Served(contract, run)

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
