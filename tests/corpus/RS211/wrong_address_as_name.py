"""A batch is called by the address of its list."""

from resonate.context import Context
from resonate.resonate import Resonate


async def store(ctx: Context, name: str, rows: list[int]) -> int:
    return len(rows) + len(name)


async def load(ctx: Context, rows: list[int]) -> int:
    batch = id(rows)  # want: RS211
    return await ctx.run(store, f"batch-{batch}", rows)


def register(resonate: Resonate) -> None:
    resonate.register(load)
