# file: letters/rpc.py
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
# file: letters/__init__.py
# file: letters/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Write(BaseModel):
    template: str
    names: list[str]


class Written(BaseModel):
    count: int


write_letters = Rpc(name="write-letters", group="workers", request=Write, result=Written)
# file: letters/writing.py
from pathlib import Path

from resonate.context import Context

from .contracts import Write, Written

TEMPLATES = Path(__file__).parent / "templates"


async def write(ctx: Context, request: Write) -> Written:
    text = (TEMPLATES / request.template).read_text(encoding="utf-8")  # want: RS205
    for name in request.names:
        await ctx.run(print_letter, text.replace("{name}", name))
    return Written(count=len(request.names))


async def print_letter(ctx: Context, text: str) -> None:
    print(text)
# file: letters/worker.py
from . import contracts
from .rpc import Served, serve
from .writing import write

GROUP = "workers"

SERVED: list[Served] = [serve(contracts.write_letters, write)]
