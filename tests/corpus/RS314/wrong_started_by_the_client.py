import asyncio
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


async def count(ctx: Context, first: int) -> int:
    return first + 1


async def main() -> None:
    resonate = Resonate(url=os.environ["RESONATE_URL"], group="counting", retry_policy=Never())
    resonate.register(count)
    handle = resonate.run("count/1", count(None, 1))  # want: RS314
    print(await handle.result())


asyncio.run(main())
