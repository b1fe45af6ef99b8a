# file: garage/__init__.py
# file: garage/rpc.py (shared)
# file: garage/contracts.py
from datetime import timedelta

from pydantic import BaseModel

from .rpc import Rpc


class Inspect(BaseModel):
    plate: str


class Report(BaseModel):
    faults: list[str]


class Repair(BaseModel):
    plate: str
    faults: list[str]


class Done(BaseModel):
    hours: float


inspect = Rpc(name="inspect", group="workshop", request=Inspect, result=Report)
repair = Rpc(name="repair", group="workshp", request=Repair, result=Done, timeout=timedelta(days=3))  # want: RS102
service = Rpc(name="service", group="desk", request=Inspect, result=Done, timeout=timedelta(days=7))
# file: garage/workshop/__init__.py
# file: garage/workshop/worker.py
from resonate.context import Context

from ..contracts import Inspect, Report, inspect
from ..rpc import serve

GROUP = "workshop"


async def look(ctx: Context, request: Inspect) -> Report:
    return Report(faults=["brakes"] if request.plate else [])


SERVED = [serve(inspect, look)]
# file: garage/desk/__init__.py
# file: garage/desk/worker.py
from resonate.context import Context

from .. import contracts
from ..rpc import serve

GROUP = "desk"


async def book_in(ctx: Context, request: contracts.Inspect) -> contracts.Done:
    report = await contracts.inspect(ctx, request)
    return await contracts.repair(ctx, contracts.Repair(plate=request.plate, faults=report.faults))


SERVED = [serve(contracts.service, book_in)]
