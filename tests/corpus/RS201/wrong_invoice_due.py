"""Bills a customer, waits for the due date, and sends a reminder."""

import asyncio
from datetime import datetime, timedelta, timezone

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def create_invoice(ctx: Context, customer: str, cents: int, due: str) -> str:
    return f"{customer}-{cents}-{due}"


async def remind(ctx: Context, number: str) -> None:
    print("reminder for", number)


async def bill(ctx: Context, customer: str, cents: int) -> dict[str, str]:
    due = datetime.now(timezone.utc) + timedelta(days=14)  # want: RS201
    number = await ctx.run(create_invoice, customer, cents, due.isoformat())
    await ctx.sleep(timedelta(days=14))
    await ctx.run(remind, number)
    return {"number": number, "due": due.isoformat()}


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url="http://localhost:8001", group="billing", retry_policy=policy)
    client.register(bill)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
