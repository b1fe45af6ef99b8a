# file: press/__init__.py
# file: press/rpc.py (shared)
# file: press/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Edition(BaseModel):
    date: str


class Pages(BaseModel):
    count: int


class Totals(BaseModel):
    sold: int


paginate = Rpc(name="paginate", group="layout", request=Edition, result=Pages)
proofread = Rpc(name="proofread", group="layout", request=Edition, result=Pages)
# Once of group layout; sales have a worker of their own now.
totals = Rpc(name="totals", group="sales", request=Edition, result=Totals)
forecast = Rpc(name="forecast", group="sales", request=Edition, result=Totals)
# file: press/functions.py
from resonate.context import Context

from .contracts import Edition, Pages, Totals


async def paginate(ctx: Context, edition: Edition) -> Pages:
    return Pages(count=len(edition.date))


async def add_up(ctx: Context, edition: Edition) -> Totals:
    return Totals(sold=len(edition.date) * 1000)
# file: press/layout/__init__.py
# file: press/layout/worker.py
from .. import contracts, functions
from ..rpc import serve

GROUP = "layout"
CHECKS = [serve(contracts.proofread, functions.paginate)]
OLD = [serve(contracts.totals, functions.add_up)]  # want: RS105
SERVED = [serve(contracts.paginate, functions.paginate), *CHECKS, *OLD]
# file: press/sales/__init__.py
# file: press/sales/worker.py
from .. import contracts, functions
from ..rpc import serve

GROUP = "sales"
SERVED = [serve(contracts.forecast, functions.add_up)]
