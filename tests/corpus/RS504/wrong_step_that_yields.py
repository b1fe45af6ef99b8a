"""The workflow awaits, but what it runs as a child still yields, and returns a generator."""

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


async def mix(ctx: Context, colour: str) -> str:
    return f"{colour} paint"


def coat(ctx: Context, wall: str, colour: str):
    paint = yield ctx.run(mix, colour)  # want: RS504
    return f"{wall} in {paint}"


async def paint_house(ctx: Context, walls: dict[str, str]) -> list[str]:
    return [await ctx.run(coat, wall, colour) for wall, colour in walls.items()]


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="painters", retry_policy=Constant(delay=1, max_retries=3))
    client.register(paint_house)
    return client
