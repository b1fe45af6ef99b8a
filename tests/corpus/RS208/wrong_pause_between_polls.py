"""Waits for a payment by sleeping in the process."""

import asyncio

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


class Payments:
    def __init__(self, every: float) -> None:
        self.every = every

    async def _pause(self, attempt: int) -> None:
        await asyncio.sleep(self.every * attempt)  # want: RS208

    async def is_paid(self, ctx: Context, invoice: str) -> bool:
        return invoice.endswith("0")

    async def await_payment(self, ctx: Context, invoice: str) -> int:
        for attempt in range(1, 50):
            if await ctx.run(self.is_paid, invoice):
                return attempt
            await self._pause(attempt)
        return 0


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="payments", retry_policy=Constant(delay=1, max_retries=3))
    client.register(Payments(every=20).await_payment, name="payments.await")
    return client
