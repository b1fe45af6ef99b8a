import asyncio
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


class Courier:
    """Names from asyncio that start, bound and wait for nothing."""

    async def wait(self, ctx: Context, hours: int) -> None:
        await ctx.sleep(timedelta(hours=hours))

    async def deliver(self, ctx: Context, parcel: str) -> str:
        return f"{parcel} delivered"

    async def run(self, ctx: Context, parcel: str, hours: int) -> str:
        await self.wait(ctx, hours)
        first, second = ctx.run(self.deliver, parcel), ctx.run(self.deliver, f"{parcel}-copy")
        outcomes = await asyncio.gather(first, second, return_exceptions=True)
        if any(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes):
            return "canceled"
        return " and ".join(str(outcome) for outcome in outcomes)


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="courier", retry_policy=Constant(delay=1, max_retries=5))
    client.register(Courier().run, name="courier.run")
    return client
