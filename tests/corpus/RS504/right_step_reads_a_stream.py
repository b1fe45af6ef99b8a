from collections.abc import AsyncIterator

import httpx
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


class Feed:
    """A step drains an async generator; the workflow awaits the step."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def _lines(self, limit: int) -> AsyncIterator[str]:
        async with httpx.AsyncClient() as http, http.stream("GET", self.url) as answer:
            async for line in answer.aiter_lines():
                yield line
                limit -= 1
                if limit == 0:
                    return

    async def read(self, ctx: Context, limit: int) -> list[str]:
        return [line async for line in self._lines(limit)]

    async def digest(self, ctx: Context, limit: int) -> int:
        lines = await ctx.run(self.read, limit)
        return sum(len(line) for line in lines)


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="feeds", retry_policy=Constant(delay=5, max_retries=5))
    client.register(Feed("https://feed.example/lines").digest, name="feed.digest")
    return client
