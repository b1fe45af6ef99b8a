"""Functions that make the steps: what they give is a function."""

from collections.abc import Awaitable, Callable
from functools import partial

from resonate.context import Context
from resonate.resonate import Resonate

Step = Callable[[Context, str], Awaitable[str]]


def greeter(word: str) -> Step:
    async def greet(ctx: Context, name: str) -> str:
        return f"{word}, {name}"

    return greet


def chosen(ctx: Context, loud: bool) -> Step:
    def shout(inner: Context, name: str) -> str:
        return name.upper()

    return shout if loud else greeter("psst")


async def add(ctx: Context, first: int, second: int) -> int:
    return first + second


async def greet_all(ctx: Context, names: list[str]) -> list[str]:
    await ctx.run(partial(add, second=1), 2)
    said = [await ctx.run(greeter("Hello"), name) for name in names]
    return [*said, await ctx.run(chosen(ctx, True), names[0])]


def register(resonate: Resonate) -> None:
    resonate.register(greet_all)
