# file: store/__init__.py
# file: store/orders.py
from resonate.context import Context
from resonate.resonate import Resonate


async def validate(ctx: Context, order: dict[str, int]) -> bool:
    return order["pieces"] > 0


async def place(ctx: Context, order: dict[str, int]) -> str:
    return "placed" if await ctx.run(validate, order) else "refused"


def install(resonate: Resonate) -> None:
    resonate.register(validate)
    resonate.register(place, name="orders.place")

# file: store/returns.py
from resonate.context import Context
from resonate.resonate import Resonate


async def validate(ctx: Context, parcel: dict[str, str]) -> bool:
    return bool(parcel.get("label"))


async def take_back(ctx: Context, parcel: dict[str, str]) -> str:
    return "refunded" if await ctx.run(validate, parcel) else "sent back"


def install(resonate: Resonate) -> None:
    resonate.register(validate)  # want: RS104
    resonate.register(take_back, name="returns.take")

# file: store/worker.py
import asyncio
import os

from resonate.resonate import Resonate
from resonate.retry import Constant

from store import orders, returns


async def main() -> None:
    resonate = Resonate(url=os.environ["RESONATE_URL"], group="store", retry_policy=Constant(delay=5, max_retries=12))
    orders.install(resonate)
    returns.install(resonate)
    await asyncio.Event().wait()
