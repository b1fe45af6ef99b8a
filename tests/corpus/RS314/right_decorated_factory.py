"""A decorator may make anything of a function: what a call of it gives is not known."""

from collections.abc import Callable
from typing import Any

from resonate.context import Context
from resonate.resonate import Resonate


def curried(function: Callable[..., Any]) -> Callable[..., Any]:
    def take(*given: Any) -> Callable[..., Any]:
        async def step(ctx: Context) -> Any:
            return await function(ctx, *given)

        return step

    return take


@curried
async def charge(ctx: Context, cents: int) -> str:
    return f"charged {cents}"


async def checkout(ctx: Context, cents: int) -> str:
    return await ctx.run(charge(cents))


def register(resonate: Resonate) -> None:
    resonate.register(checkout)
