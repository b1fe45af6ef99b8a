import asyncio
import os

import httpx
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


class CountingClient(httpx.AsyncClient):
    """An HTTP client that counts what it sends."""

    sent = 0

    async def send(self, request: httpx.Request, **options: object) -> httpx.Response:
        self.sent += 1
        return await super().send(request, **options)


async def fetch(ctx: Context, url: str) -> int:
    http = ctx.get_dependency(httpx.AsyncClient)  # want: RS112
    answer = await http.get(url)
    return answer.status_code


async def crawl(ctx: Context, urls: list[str]) -> list[int]:
    calls = [ctx.run(fetch, url) for url in urls]
    return [await call for call in calls]


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="crawl", retry_policy=Constant(delay=3, max_retries=4))
    client.register(crawl)
    http = CountingClient(timeout=10)
    client.with_dependency(http)
    try:
        await asyncio.Event().wait()
    finally:
        await http.aclose()


asyncio.run(main())
