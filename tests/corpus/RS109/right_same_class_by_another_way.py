# file: tram/__init__.py
# file: tram/rpc.py (shared)
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
