"""A workflow that others call with a timeout: its sleep in a helper is longer than that."""

from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate


async def cool_down(ctx: Context) -> None:
    await ctx.sleep(timedelta(minutes=30))  # want: RS311


async def heat(ctx: Context, kettle: str) -> str:
    await cool_down(ctx)
    return await ctx.run(boil, kettle)


async def boil(ctx: Context, kettle: str) -> str:
    return kettle


async def breakfast(ctx: Context, kettle: str) -> str:
    return await ctx.options(timeout=timedelta(minutes=10)).run(heat, kettle)


def register(resonate: Resonate) -> None:
    resonate.register(breakfast)
    resonate.register(heat)
