"""What stands in the arguments is called first, as anywhere."""

from resonate.context import Context
from resonate.resonate import Resonate


def parse(text: str) -> list[int]:
    return [int(it) for it in text.split()]


async def total(ctx: Context, numbers: list[int]) -> int:
    return sum(numbers)


async def read(ctx: Context, name: str) -> str:
    return name


async def add_up(ctx: Context, name: str) -> int:
    return await ctx.run(total, parse(await ctx.run(read, name)))


def register(resonate: Resonate) -> None:
    resonate.register(add_up)
