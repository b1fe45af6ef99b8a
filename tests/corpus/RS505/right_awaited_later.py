"""The coroutine of `result()` and of `id()` may go through other hands before it is awaited."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from resonate.context import Context
from resonate.handle import ResonateHandle
from resonate.resonate import Resonate
from resonate.retry import Never


async def bottle(ctx: Context, litres: int) -> int:
    return litres * 2


def outcome(handle: ResonateHandle[int]) -> Coroutine[Any, Any, int]:
    return handle.result()


async def main() -> None:
    client = Resonate(url="http://localhost:8001", group="winery", retry_policy=Never())
    client.register(bottle)
    handles = [client.run(f"bottle/{number}", bottle, number) for number in range(4)]
    print(await asyncio.gather(*(handle.id() for handle in handles)))
    print(await asyncio.wait_for(handles[0].result(), timeout=30))
    waiting = asyncio.create_task(handles[1].result())
    third = handles[2].result()
    print(await waiting + await third, await outcome(handles[3]))
    await client.stop()


asyncio.run(main())
