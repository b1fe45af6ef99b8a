"""What is provided is the class, whose type is `type`."""

import asyncio
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


class Clock:
    def ticks(self) -> int:
        return 60


async def tick(ctx: Context, name: str) -> str:
    return f"{name}: {ctx.get_dependency(Clock).ticks()}"  # want: RS115


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="clocks", retry_policy=Never())
    client.with_dependency(Clock)
    client.register(tick)
    await asyncio.Event().wait()


asyncio.run(main())
