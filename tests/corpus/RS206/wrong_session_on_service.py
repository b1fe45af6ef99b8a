"""A service that keeps its HTTP session as an attribute."""

from datetime import timedelta

import aiohttp
from resonate.context import Context
from resonate.resonate import Resonate


class Publisher:
    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self.session = session
        self.base = base

    async def draft(self, ctx: Context, title: str) -> str:
        return title.lower().replace(" ", "-")

    async def publish(self, ctx: Context, title: str) -> bool:
        slug = await ctx.run(self.draft, title)
        await ctx.sleep(timedelta(minutes=30))
        async with self.session.put(f"{self.base}/{slug}", json={"title": title}) as answer:  # want: RS206
            return answer.status < 300

    def install(self, client: Resonate) -> None:
        client.register(self.publish, name="publisher.publish")
