# file: vault/registry.py
from collections.abc import Callable
from typing import Any

from resonate.resonate import Resonate

_known: list[tuple[str, Callable[..., Any]]] = []


def durable[F: Callable[..., Any]](name: str) -> Callable[[F], F]:
    """Note a function; `install` registers all that were noted."""

    def note(function: F) -> F:
        _known.append((name, function))
        return function

    return note


def install(client: Resonate) -> None:
    for name, function in _known:
        client.register(function, name=name)

# file: vault/keys.py
from datetime import timedelta

from resonate.context import Context

from vault.registry import durable


@durable("vault.split")
async def split(ctx: Context, secret: str) -> list[str]:
    return list(secret)


@durable("vault.guard")
async def guard(ctx: Context, secret: str) -> int:
    shares = await ctx.options(timeout=timedelta(minutes=5)).rpc(split, secret)
    return len(shares)

# file: vault/main.py
import asyncio
import os

from resonate.resonate import Resonate
from resonate.retry import Exponential

from vault import keys, registry


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group="vault", retry_policy=policy)
    registry.install(client)
    print(await client.run("guard/1", keys.guard, "s3cret").result())


asyncio.run(main())
