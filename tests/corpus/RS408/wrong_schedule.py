import asyncio
import os
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Linear


async def sweep(ctx: Context, floor: int) -> str:
    return f"floor {floor} is clean"


async def serve() -> None:
    retries = Linear(delay=5, max_retries=6)
    resonate = Resonate(url=os.environ["RESONATE_URL"], group="cleaners", retry_policy=retries)
    resonate.register(sweep)
    for floor in range(3):
        await resonate.schedule(  # want: RS408
            f"sweep:floor-{floor}", "0 5 * * *", "sweep", (floor,), promise_timeout=timedelta(hours=4)
        )
    await asyncio.Event().wait()
