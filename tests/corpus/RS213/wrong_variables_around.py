from datetime import timedelta

from resonate.context import Context


async def take_stock(ctx: Context, shelves: list[str]) -> int:
    counted: list[str] = []
    total = 0
    by_shelf: dict[str, int] = {}

    async def count(_: Context, shelf: str) -> None:
        nonlocal total
        total += len(shelf)  # want: RS213
        counted.append(shelf)  # want: RS213
        by_shelf[shelf] = len(shelf)  # want: RS213

    for shelf in shelves:
        await ctx.run(count, shelf)
    await ctx.sleep(timedelta(hours=1))
    await ctx.rpc("report", counted, by_shelf)
    return total
