from datetime import timedelta
from typing import Any

from redis.asyncio import Redis
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def remember(ctx: Context, player: str, score: int) -> None:
    await ctx.get_dependency(Redis).set(f"score:{player}", score)


async def end_game(ctx: Context, game: str, scores: dict[str, int]) -> str:
    for player, score in sorted(scores.items()):
        await ctx.run(remember, player, score)
    call = ctx.options(target="prizes", timeout=timedelta(hours=1))
    return await call.rpc("prizes:award", f"game:{game}")


async def start(resonate: Resonate, game: str, scores: dict[str, Any]) -> str:
    handle = resonate.options(timeout=timedelta(hours=2)).run(f"game/{game}", end_game, game, scores)
    return await handle.id()


def connect(url: str, redis: Redis) -> Resonate:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    resonate = Resonate(url=url, group="games", retry_policy=policy).with_dependency(redis)
    resonate.register(end_game, name="game:end")
    return resonate
