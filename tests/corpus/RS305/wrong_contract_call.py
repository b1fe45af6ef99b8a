# file: depot/rpc.py (shared)
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
