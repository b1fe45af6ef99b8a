# file: depot/rpc.py
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from resonate.context import Context


@dataclass(frozen=True)
class Rpc[Q: BaseModel, R: BaseModel]:
    name: str
    group: str
    request: type[Q]
    result: type[R]
    timeout: timedelta = timedelta(minutes=5)

    def __call__(self, ctx: Context, request: Q) -> Any:
        call = ctx.options(target=self.group, timeout=self.timeout)
        return call.rpc(self.name, request.model_dump(mode="json"))

# file: depot/contracts.py
from pydantic import BaseModel

from depot.rpc import Rpc


class Move(BaseModel):
    pallet: str
    bay: int


class Moved(BaseModel):
    bay: int


move = Rpc(name="cranes.move", group="cranes", request=Move, result=Moved)
record_move = Rpc(name="books.record_move", group="books", request=Move, result=Moved)

# file: depot/unload.py
from resonate.context import Context

from depot.contracts import Move, move, record_move


async def unload(ctx: Context, pallets: list[str]) -> int:
    bay = 0
    for bay, pallet in enumerate(pallets, start=1):
        order = Move(pallet=pallet, bay=bay)
        await move(ctx, order)
        record_move(ctx, order)  # want: RS305
    return bay
