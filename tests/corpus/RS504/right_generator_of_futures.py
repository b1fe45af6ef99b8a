"""A helper that makes the calls one by one; the workflow goes through it with `for`, and awaits them."""

import asyncio
from collections.abc import Iterator

from resonate.context import Context, ResonateFuture
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def weigh(ctx: Context, crate: str) -> int:
    return len(crate)


def weighings(ctx: Context, crates: list[str]) -> Iterator[ResonateFuture[int]]:
    for crate in crates:
        if crate:
            yield ctx.run(weigh, crate)


async def load_ship(ctx: Context, crates: list[str], limit: int) -> int:
    loaded = 0
    for weighing in weighings(ctx, crates):
        loaded += await weighing
        if loaded > limit:
            break
    return loaded


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url="http://localhost:8001", group="harbour", retry_policy=policy)
    client.register(load_ship)
    await asyncio.Event().wait()


asyncio.run(main())
