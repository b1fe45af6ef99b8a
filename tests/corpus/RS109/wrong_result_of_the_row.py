# file: wine/__init__.py
# file: wine/rpc.py (shared)
# file: wine/contracts.py
from datetime import timedelta

from pydantic import BaseModel

from .rpc import Rpc


class Taste(BaseModel):
    barrel: int


class Verdict(BaseModel):
    points: int


class Tasting(BaseModel):
    barrels: list[int]


class Verdicts(BaseModel):
    best: int


taste = Rpc(name="taste", group="cellar", request=Taste, result=Verdict, timeout=timedelta(hours=1))
tasting = Rpc(name="tasting", group="cellar", request=Tasting, result=Verdicts)
# file: wine/cellar/__init__.py
# file: wine/cellar/models.py
from pydantic import BaseModel


class Verdict(BaseModel):
    """Of the same name as the contract's, and another class."""

    score: float
# file: wine/cellar/worker.py
from resonate.context import Context

from ..contracts import Taste, Tasting, Verdicts, taste, tasting
from ..rpc import serve
from .models import Verdict

GROUP = "cellar"


async def sip(ctx: Context, request: Taste) -> Verdict:
    return Verdict(score=float(request.barrel))


async def judge(ctx: Context, request: Tasting) -> Verdicts:
    calls = [taste(ctx, Taste(barrel=barrel)) for barrel in request.barrels]
    points = [(await call).points for call in calls]
    return Verdicts(best=max(points))


SERVED = [serve(tasting, judge), serve(taste, sip)]  # want: RS109
