# file: tram/__init__.py
# file: tram/rpc.py
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

# file: tram/contracts/__init__.py
from .db import Arrival, Stop, next_tram

__all__ = ["Arrival", "Stop", "next_tram"]
# file: tram/contracts/models.py
from pydantic import BaseModel


class Stop(BaseModel):
    name: str


class Arrival(BaseModel):
    minutes: int
# file: tram/contracts/db.py
from ..rpc import Rpc
from .models import Arrival, Stop

Answer = Arrival

next_tram = Rpc(name="db.next_tram", group="db", request=Stop, result=Answer)
wait = Rpc(name="wait", group="workers", request=Stop, result=Arrival)
# file: tram/db/__init__.py
# file: tram/db/worker.py
from __future__ import annotations

import typing as t

from resonate.context import Context

from .. import contracts
from ..contracts import models
from ..rpc import serve

if t.TYPE_CHECKING:
    from ..contracts.models import Stop as TramStop

GROUP = "db"


async def arrival(ctx: Context, request: TramStop) -> models.Arrival:
    return models.Arrival(minutes=len(request.name))


SERVED = [serve(contracts.next_tram, arrival)]
# file: tram/workflows/__init__.py
# file: tram/workflows/worker.py
from resonate.context import Context

from ..contracts import Stop, db
from ..contracts.models import Stop as AnyStop
from ..rpc import serve

GROUP = "workers"


async def wait_for_tram(ctx: Context, stop: "AnyStop") -> "db.Answer":
    first = await db.next_tram(ctx, stop)
    second = await db.next_tram(ctx, Stop(name=f"{stop.name}/{first.minutes}"))
    return second.model_copy(update={"minutes": first.minutes + second.minutes})


SERVED = [serve(db.wait, wait_for_tram)]
