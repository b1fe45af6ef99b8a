# file: depot/stock.py
class Stock:
    def __init__(self, shelves: dict[str, int]) -> None:
        self.shelves = shelves

    def promise(self, id: str) -> bool:
        return self.shelves.get(id, 0) > 0
# file: depot/flow.py
from datetime import timedelta

from resonate.context import Context

from depot import stock

NAME = stock.Stock


async def check(ctx: Context, sku: str) -> bool:
    return ctx.get_dependency(NAME).promise(id=sku)


async def pick(ctx: Context, sku: str) -> str:
    while not await ctx.run(check, sku):
        await ctx.sleep(timedelta(hours=1))
    deps = {"sku": sku}
    return deps["sku"]
# file: depot/worker.py
from resonate.resonate import Resonate
from resonate.retry import Constant

from depot.flow import pick
from depot.stock import Stock


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="depot", retry_policy=Constant(delay=2, max_retries=5))
    client.with_dependency(Stock({"screw": 4}))
    client.register(pick, name="depot.pick")
    return client
