# file: wind/__init__.py
# file: wind/rpc.py (shared)
# file: wind/names.py
PREFIX = "wind"
# file: wind/contracts.py
from pydantic import BaseModel

from .names import PREFIX
from .rpc import Rpc

TURBINES = f"{PREFIX}-turbines"


class Turbine(BaseModel):
    number: int


class Power(BaseModel):
    kilowatts: float


def contract(name: str) -> Rpc[Turbine, Power]:
    return Rpc(name=name, group=TURBINES, request=Turbine, result=Power)


start = Rpc(name="start", group=TURBINES, request=Turbine, result=Power)
stop = Rpc(name="stop", group="wind-turbines", request=Turbine, result=Power)
brake = contract("brake")
# file: wind/turbines/__init__.py
# file: wind/turbines/worker.py
from typing import Final

from resonate.context import Context

from .. import contracts
from ..names import PREFIX
from ..rpc import serve

GROUP: Final = PREFIX + "-turbines"


async def power(ctx: Context, turbine: contracts.Turbine) -> contracts.Power:
    return contracts.Power(kilowatts=turbine.number * 10.0)


SERVED = [serve(contracts.start, power), serve(contracts.stop, power), serve(contracts.brake, power)]
