"""What the decorator puts around a workflow runs at each replay: here it decides by the clock."""

import time
from collections.abc import Awaitable, Callable
from functools import wraps

from resonate.context import Context
from resonate.resonate import Resonate

type Workflow = Callable[..., Awaitable[str]]


def during_the_day(function: Workflow) -> Workflow:
    @wraps(function)
    async def wrapper(ctx: Context, *args: str) -> str:
        if time.localtime().tm_hour < 8:
            return "closed"
        return await function(ctx, *args)

    return wrapper


def stamped(form: str) -> Callable[[Workflow], Workflow]:
    def decorate(function: Workflow) -> Workflow:
        @wraps(function)
        async def wrapper(ctx: Context, *args: str) -> str:
            return await function(ctx, time.strftime(form), *args)

        return wrapper

    return decorate


async def cook(ctx: Context, dish: str) -> str:
    return dish


@during_the_day  # want: RS201
async def order(ctx: Context, dish: str) -> str:
    return await ctx.run(cook, dish)


@stamped("%H:%M")  # want: RS201
async def reserve(ctx: Context, at: str, dish: str) -> str:
    return at + await ctx.run(cook, dish)


def register(resonate: Resonate) -> None:
    resonate.register(order)
    resonate.register(reserve)
