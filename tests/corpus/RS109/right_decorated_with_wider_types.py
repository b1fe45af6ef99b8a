# file: hives/runtime/durable/rpc.py (shared)
# file: hives/runtime/engine/client.py (shared)
# file: hives/contracts/db/hives.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Hive(BaseModel):
    hive: int


class FeedHive(Hive):
    sugar: float


class Fed(BaseModel):
    kilos: float


class FedTwice(Fed):
    again: float = 0


feed_hive = Rpc(name="db.feed_hive", group="db", request=FeedHive, result=Fed)
close_hive = Rpc(name="db.close_hive", group="db", request=Hive, result=Hive)
tend = Rpc(name="tend", group="workers", request=FeedHive, result=Fed)
# file: hives/db/worker.py
from typing import Any

from resonate.context import Context

from ..contracts.db import hives as contracts
from ..runtime.durable.rpc import Registration, serve

GROUP = "db"


@serve(contracts.feed_hive)
async def feed_hive(ctx: Context, request: contracts.Hive) -> contracts.FedTwice:
    """Takes more than the contract asks, and gives more."""
    return contracts.FedTwice(kilos=float(request.hive))


@serve(contracts.close_hive)
async def close_hive(ctx: Context, request: Any) -> Any:
    return request


SERVED: list[Registration] = [feed_hive, close_hive]
# file: hives/workflows/worker.py
from resonate.context import Context

from ..contracts.db.hives import Fed, FeedHive, close_hive, feed_hive, tend
from ..runtime.durable.rpc import Registration, serve

GROUP = "workers"


@serve(tend)
async def tend_hive(ctx: Context, request: FeedHive) -> Fed:
    await close_hive(ctx, request)
    return await feed_hive(ctx, request)


SERVED: list[Registration] = [tend_hive]
