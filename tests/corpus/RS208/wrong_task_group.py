"""Quotes from several suppliers, gathered by a task group."""

import asyncio

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def quote(ctx: Context, supplier: str, part: str) -> int:
    return len(supplier) * len(part)


async def quote_of(ctx: Context, supplier: str, part: str) -> int:
    return await ctx.run(quote, supplier, part)


async def cheapest(ctx: Context, part: str, suppliers: list[str]) -> int:
    async with asyncio.TaskGroup() as group:  # want: RS208
        tasks = [group.create_task(quote_of(ctx, supplier, part)) for supplier in suppliers]
    return min(task.result() for task in tasks)


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url="http://localhost:8001", group="quotes", retry_policy=policy)
    client.register(cheapest)
    await asyncio.Event().wait()


asyncio.run(main())
