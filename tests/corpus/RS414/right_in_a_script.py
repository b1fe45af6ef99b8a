"""A script that somebody starts by hand: one after the other."""

import asyncio
import os
import time

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


async def count(ctx: Context, first: int) -> int:
    return first + 1


async def main() -> None:
    resonate = Resonate(url=os.environ["RESONATE_URL"], group="counting", retry_policy=Never())
    resonate.register(count)
    print(await resonate.run(f"count-{int(time.time())}", count, 1).result())


asyncio.run(main())
