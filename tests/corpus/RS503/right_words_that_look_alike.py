# file: ietf/rpc.py
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from resonate.context import Context, ResonateFuture


class DurableCall[R: BaseModel]:
    def __init__(self, future: ResonateFuture[Any], result: type[R]) -> None:
        self._future, self._result = future, result

    def __await__(self) -> Generator[Any, None, R]:
        return self._result.model_validate((yield from self._future.__await__()))


@dataclass(frozen=True)
class Rpc[Q: BaseModel, R: BaseModel]:
    name: str
    group: str
    request: type[Q]
    result: type[R]
    timeout: timedelta = timedelta(minutes=5)

    def __call__(self, ctx: Context, request: Q) -> DurableCall[R]:
        options = ctx.options(target=self.group, timeout=self.timeout)
        return DurableCall(options.rpc(self.name, request.model_dump(mode="json")), self.result)


@dataclass(frozen=True)
class Served:
    contract: Rpc[Any, Any]
    function: Callable[..., Awaitable[Any]]


def serve[Q: BaseModel, R: BaseModel](
    contract: Rpc[Q, R], function: Callable[[Context, Q], Awaitable[R]]
) -> Served:
    return Served(contract, function)
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
