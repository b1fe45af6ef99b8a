# file: app/rpc.py (shared)
# file: app/__init__.py
# file: app/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Collect(BaseModel):
    sensors: list[str]


class Collected(BaseModel):
    values: list[float]


class Read(BaseModel):
    sensor: str


class Value(BaseModel):
    value: float


collect = Rpc(name="collect", group="workers", request=Collect, result=Collected)
read_sensor = Rpc(name="field.read", group="field", request=Read, result=Value)
# file: app/collecting.py
import os

from resonate.context import Context

from .contracts import Collect, Collected, Read, read_sensor


def limit() -> int:
    return int(os.getenv("MAX_SENSORS") or 10)  # want: RS204


async def collect_values(ctx: Context, request: Collect) -> Collected:
    calls = [read_sensor(ctx, Read(sensor=name)) for name in request.sensors[: limit()]]
    return Collected(values=[(await call).value for call in calls])
# file: app/worker.py
from . import contracts
from .collecting import collect_values
from .rpc import Served, serve

GROUP = "workers"

SERVED: list[Served] = [serve(contracts.collect, collect_values)]
