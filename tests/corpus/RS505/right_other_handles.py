"""Futures, rows and processes have an `id` or a `result` too."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


@dataclass
class Handle:
    id: str
    promise_id: str

    def result(self) -> str:
        return f"{self.id} of {self.promise_id}"


def measure(ctx: Context, part: str) -> str:
    with ThreadPoolExecutor() as pool:
        handle = pool.submit(len, part)
        return f"{part}: {handle.result()}"


async def forge(ctx: Context, part: str) -> str:
    handle = Handle(id=part, promise_id=ctx.info.id)
    measured = await ctx.run(measure, part)
    return f"{handle.id} {handle.promise_id} {handle.result()} {measured}"


async def main() -> None:
    client = Resonate(url="http://localhost:8001", group="forge", retry_policy=Constant(delay=1, max_retries=3))
    client.register(forge)
    task = asyncio.create_task(asyncio.sleep(0, result="ready"))
    await task
    print(task.result())
    await asyncio.Event().wait()


asyncio.run(main())
