import asyncio
import os
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

NIGHTLY = "close_books"


class Ledger:
    """Accounts of a shop. The method was called close_books before it was moved here."""

    def __init__(self, currency: str) -> None:
        self.currency = currency

    async def close_day(self, ctx: Context, branch: str) -> str:
        return f"{branch}: 0 {self.currency}"


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=60, max_retries=6)
    client = Resonate(url=os.environ["RESONATE_URL"], group="ledger", retry_policy=policy)
    ledger = Ledger("EUR")
    client.register(ledger.close_day)
    await client.schedule("books/north", "0 1 * * *", NIGHTLY, ("north",), None, timedelta(hours=1))  # want: RS101
    await client.schedule("books/south", "5 1 * * *", "close_day", ("south",), None, timedelta(hours=1))
    await asyncio.Event().wait()


asyncio.run(main())
