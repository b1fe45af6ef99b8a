# file: core/durable.py
from collections.abc import Callable
from typing import Any

from resonate.resonate import Resonate


class Registry:
    def __init__(self) -> None:
        self.functions: dict[str, Callable[..., Any]] = {}

    def register(self, function: Callable[..., Any]) -> Callable[..., Any]:
        self.functions[function.__name__] = function
        return function

    def install(self, client: Resonate) -> None:
        for name, function in self.functions.items():
            client.register(function, name=name)


registry = Registry()

# file: core/jobs.py
from datetime import timedelta

from resonate.context import Context

from core.durable import registry


@registry.register
async def one(ctx: Context, n: int) -> int:
    return n


@registry.register
async def two(ctx: Context, n: int) -> int:
    return await ctx.options(timeout=timedelta(minutes=1)).rpc(one, n) + await ctx.options(
        timeout=timedelta(minutes=1)
    ).rpc("one", n)

# file: core/main.py
import asyncio

from resonate.resonate import Resonate
from resonate.retry import Never

from core import jobs
from core.durable import registry


async def main() -> None:
    client = Resonate(group="core", retry_policy=Never())
    registry.install(client)
    print(await client.run("two/1", jobs.two, 3).result())


asyncio.run(main())
