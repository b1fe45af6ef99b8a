"""Wait for what happens elsewhere in this process."""

import asyncio
from collections.abc import Callable
from inspect import isawaitable
from typing import Any


async def until(condition: Callable[[], Any]) -> None:
    """Poll a condition, which may be a coroutine function, until it holds; TimeoutError after 10 s."""
    async with asyncio.timeout(10):
        while True:
            holds = condition()
            if await holds if isawaitable(holds) else holds:
                return
            await asyncio.sleep(0.01)
