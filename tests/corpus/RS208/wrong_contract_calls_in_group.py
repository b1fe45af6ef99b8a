# file: fleet/rpc.py (shared)
# file: fleet/__init__.py
# file: fleet/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Recall(BaseModel):
    cars: list[str]


class Recalled(BaseModel):
    count: int


class Stop(BaseModel):
    car: str


class Stopped(BaseModel):
    car: str


recall = Rpc(name="recall", group="workers", request=Recall, result=Recalled)
stop_car = Rpc(name="cars.stop", group="cars", request=Stop, result=Stopped)
# file: fleet/recalls.py
import asyncio as aio

from resonate.context import Context

from .contracts import Recall, Recalled, Stop, Stopped, stop_car


async def stopped(ctx: Context, car: str) -> Stopped:
    return await stop_car(ctx, Stop(car=car))


async def recall_cars(ctx: Context, request: Recall) -> Recalled:
    async with aio.TaskGroup() as group:  # want: RS208
        calls = [group.create_task(stopped(ctx, car)) for car in request.cars]
    return Recalled(count=len([call.result() for call in calls]))
# file: fleet/worker.py
from . import contracts
from .recalls import recall_cars
from .rpc import Served, serve

GROUP = "workers"

SERVED: list[Served] = [serve(contracts.recall, recall_cars)]
