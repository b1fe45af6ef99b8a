"""A call to the warehouse that is bounded by nothing but the default of a day."""

import asyncio

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def confirm(ctx: Context, order: str, shelf: str) -> str:
    return f"{order} from {shelf}"


async def pick(ctx: Context, order: str) -> str:
    shelf = await ctx.options(target="warehouse").rpc("warehouse.locate", order)  # want: RS308
    return await ctx.run(confirm, order, shelf)


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    resonate = Resonate(url="http://localhost:8001", group="orders", retry_policy=policy)
    resonate.register(pick)
    await asyncio.Event().wait()


asyncio.run(main())
