import asyncio
import os
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


async def score(ctx: Context, text: str, quick: bool) -> str:
    to = ctx
    if quick:
        to = ctx.options(target="fast", timeout=timedelta(minutes=1))
    else:
        to = ctx.options(timeout=timedelta(minutes=9), target="slow")
    return await to.rpc("score", text)


async def rate(ctx: Context, text: str, quick: bool) -> str:
    if quick:
        ctx = ctx.options(target="fast", timeout=timedelta(minutes=1))
    elif len(text) > 3:
        ctx = ctx.options(timeout=timedelta(minutes=3), target="slow")
    return await ctx.rpc("score", text)


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="rates", retry_policy=Never())
    client.register(rate)
    client.register(score, name="rates.score")
    await asyncio.Event().wait()


asyncio.run(main())
