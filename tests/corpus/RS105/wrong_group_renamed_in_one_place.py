# file: glass/__init__.py
# file: glass/rpc.py (shared)
# file: glass/groups.py
FURNACE = "furnace"
KILN = "kiln"
# file: glass/contracts.py
from datetime import timedelta

from pydantic import BaseModel

from .groups import FURNACE
from .rpc import Rpc


class Melt(BaseModel):
    kilos: float


class Glass(BaseModel):
    colour: str


melt = Rpc(name="melt", group=FURNACE, request=Melt, result=Glass, timeout=timedelta(hours=12))
# file: glass/kiln/__init__.py
# file: glass/kiln/worker.py
from datetime import timedelta

from resonate.context import Context

from ..contracts import Glass, Melt, melt
from ..groups import KILN as GROUP
from ..rpc import serve as served_by


async def melt_sand(ctx: Context, request: Melt) -> Glass:
    await ctx.sleep(timedelta(hours=8))
    return Glass(colour="green" if request.kilos > 10 else "clear")


SERVED = [served_by(melt, melt_sand)]  # want: RS105
__all__ = ["GROUP", "SERVED"]
