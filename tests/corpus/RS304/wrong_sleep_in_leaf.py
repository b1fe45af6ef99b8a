"""A print shop's worker waits for the press with time.sleep."""

import asyncio
import time

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


class Press:
    async def state(self, job: str) -> str:
        return "done"


async def await_press(ctx: Context, job: str) -> str:
    press = ctx.get_dependency(Press)
    while (state := await press.state(job)) == "printing":
        time.sleep(2)  # want: RS304
    return state


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    resonate = Resonate(url="http://localhost:8001", group="press", retry_policy=policy)
    resonate.with_dependency(Press())
    resonate.register(await_press, name="press.await")
    await asyncio.Event().wait()


asyncio.run(main())
