import asyncio

from resonate.resonate import Resonate
from resonate.types import Value

KIND = {"app:kind": "draft"}


class Janitor:
    """Cancels drafts that nobody finished."""

    def __init__(self, resonate: Resonate) -> None:
        self.promises = resonate.promises

    async def sweep(self) -> int:
        swept, cursor = 0, None
        while True:
            page = await self.promises.search(state="pending", tags=KIND, limit=100, cursor=cursor)  # want: RS410
            for promise in page.promises:
                await self.promises.cancel(promise.id, Value(data="abandoned"))
                swept += 1
            cursor = page.cursor
            if cursor is None:
                return swept

    async def run(self) -> None:
        while True:
            await self.sweep()
            await asyncio.sleep(3600)
