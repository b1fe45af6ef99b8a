"""What is drawn in a step is recorded with it."""

import asyncio
import random
import secrets

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


def shuffled(names: list[str]) -> list[str]:
    return random.sample(names, len(names))


async def draw_pairs(ctx: Context, names: list[str]) -> list[list[str]]:
    order = shuffled(names)
    return [[giver, taker] for giver, taker in zip(order, order[1:] + order[:1], strict=True)]


async def tell(ctx: Context, giver: str, taker: str, code: str) -> None:
    print(giver, taker, code)


async def secret_santa(ctx: Context, names: list[str]) -> int:
    pairs = await ctx.run(draw_pairs, names)
    code = await ctx.run(lambda _: secrets.token_hex(4))
    for giver, taker in pairs:
        await ctx.run(tell, giver, taker, code)
    return len(pairs)


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url="http://localhost:8001", group="santa", retry_policy=policy)
    client.register(secret_santa)
    handle = client.run(f"santa/{secrets.token_hex(8)}", secret_santa, ["ann", "bob", "cy"])
    print(await handle.result())


asyncio.run(main())
