"""A decorator of the project's own makes steps: to call `taken_at` is to run it with `ctx.run`."""

import functools
import time
from collections.abc import Awaitable, Callable
from typing import Any

from resonate.context import Context, ResonateFuture
from resonate.resonate import Resonate


def step(function: Callable[..., Awaitable[Any]]) -> Callable[..., ResonateFuture[Any]]:
    @functools.wraps(function)
    def call(ctx: Context, *arguments: Any) -> ResonateFuture[Any]:
        return ctx.run(function, *arguments)

    return call


@step
async def taken_at(ctx: Context) -> float:
    return time.time()


async def expose(ctx: Context, camera: str) -> str:
    return f"{camera}.raw"


async def photograph(ctx: Context, camera: str) -> dict[str, object]:
    picture = await ctx.run(expose, camera)
    return {"picture": picture, "taken": await taken_at(ctx)}


def install(client: Resonate) -> None:
    client.register(photograph, name="photograph")
