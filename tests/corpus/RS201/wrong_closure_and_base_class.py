"""The calls are made by a function inside of the workflow; the clock is an object of the base class."""

import asyncio
import time
from datetime import date, timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


class Calendar:
    def today(self) -> date:
        return date.today()  # want: RS201


class Desk:
    calendar = Calendar()


class Loans(Desk):
    @staticmethod
    async def remind(ctx: Context, reader: str, at: float) -> str:
        return f"{reader} at {at}"

    async def remind_all(self, ctx: Context, readers: list[str]) -> list[str]:
        async def one(reader: str) -> str:
            await ctx.sleep(timedelta(hours=1))
            return await ctx.run(self.remind, reader, time.time())  # want: RS201

        if self.calendar.today().weekday() == 6:
            return []
        return await asyncio.gather(*(one(reader) for reader in readers))  # want: RS212


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="loans", retry_policy=Constant(delay=2, max_retries=5))
    client.register(Loans().remind_all, name="loans.remind")
    return client
