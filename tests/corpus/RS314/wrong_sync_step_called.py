"""A step that is not async gives text, which `run` takes for the name of a function."""

from resonate.context import Context
from resonate.resonate import Resonate


def render(ctx: Context, name: str) -> str:
    return f"Dear {name}"


async def save(ctx: Context, letter: str) -> int:
    return len(letter)


async def letter(ctx: Context, name: str) -> int:
    text = await ctx.run(render(ctx, name))  # want: RS314
    return await ctx.run(save, text)


def register(resonate: Resonate) -> None:
    resonate.register(letter)
