import asyncio
import os
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant, Exponential

HOUR = timedelta(hours=1)


async def develop(ctx: Context, film: str) -> str:
    return f"negative of {film}"


async def enlarge(ctx: Context, film: str, width: int) -> str:
    return f"{film} at {width}"


async def darkroom(ctx: Context, film: str) -> list[str]:
    stubborn = Constant(delay=10, max_retries=20)
    negative = await ctx.options(timeout=HOUR).options(retry_policy=stubborn).run(develop, film)  # want: RS111
    sizes = (10, 18, 24)
    prints = [ctx.options(timeout=HOUR, retry_policy=stubborn).run(enlarge, negative, w) for w in sizes]
    return [await made for made in prints]


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group="darkroom", retry_policy=policy)
    client.register(darkroom)
    await asyncio.Event().wait()


asyncio.run(main())
