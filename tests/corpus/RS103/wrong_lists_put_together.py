# file: museum/__init__.py
# file: museum/rpc.py
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
