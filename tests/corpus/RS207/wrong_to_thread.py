import asyncio
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


class Documents:
    def __init__(self, footer: str) -> None:
        self.footer = footer

    def _render(self, title: str) -> str:
        return f"{title}\n{self.footer}"

    async def send(self, ctx: Context, text: str) -> None:
        print(text)

    async def deliver(self, ctx: Context, title: str) -> None:
        text = await asyncio.to_thread(self._render, title)  # want: RS207
        await ctx.run(self.send, text)
        await ctx.sleep(timedelta(days=1))
        loop = asyncio.get_running_loop()
        reminder = await loop.run_in_executor(None, self._render, f"Reminder: {title}")  # want: RS207
        await ctx.run(self.send, reminder)


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="documents", retry_policy=Never())
    client.register(Documents("-- the office").deliver, name="documents.deliver")
    return client
