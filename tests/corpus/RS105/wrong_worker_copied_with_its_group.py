# file: zoo/__init__.py
# file: zoo/rpc.py
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

# file: zoo/contracts/__init__.py
# file: zoo/contracts/keepers.py
from pydantic import BaseModel

from ..rpc import Rpc

GROUP = "keepers"


class Animal(BaseModel):
    name: str


class Done(BaseModel):
    ok: bool = True


feed = Rpc(name=f"{GROUP}.feed", group=GROUP, request=Animal, result=Done)
wash = Rpc(name=f"{GROUP}.wash", group=GROUP, request=Animal, result=Done)
# file: zoo/contracts/vets.py
from ..rpc import Rpc
from .keepers import Animal, Done

GROUP = "vets"

examine = Rpc(name=f"{GROUP}.examine", group=GROUP, request=Animal, result=Done)
# file: zoo/keepers/__init__.py
# file: zoo/keepers/worker.py
from resonate.context import Context

from ..contracts import keepers
from ..rpc import Served, serve

GROUP = keepers.GROUP


async def care(ctx: Context, animal: keepers.Animal) -> keepers.Done:
    return keepers.Done(ok=bool(animal.name))


SERVED: list[Served] = [serve(keepers.feed, care), serve(keepers.wash, care)]
# file: zoo/vets/__init__.py
# file: zoo/vets/worker.py
"""Copied from the keepers' worker; the group came along."""

from resonate.context import Context

from ..contracts import keepers, vets
from ..rpc import Served, serve

GROUP = keepers.GROUP


async def examine(ctx: Context, animal: keepers.Animal) -> keepers.Done:
    return keepers.Done(ok=len(animal.name) > 3)


SERVED: list[Served] = [serve(vets.examine, examine, retries=2)]  # want: RS105
