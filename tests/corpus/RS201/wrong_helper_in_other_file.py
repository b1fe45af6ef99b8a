# file: reports/clock.py
import datetime as _dt


def period() -> str:
    """The month that is being closed, as 2025-04."""
    return _dt.datetime.utcnow().strftime("%Y-%m")  # want: RS201
# file: reports/closing.py
from resonate.context import Context

from reports import clock


async def sum_bookings(ctx: Context, ledger: str, period: str) -> int:
    return len(ledger) * len(period)


async def store_total(ctx: Context, ledger: str, total: int) -> None:
    print(ledger, total)


async def close_month(ctx: Context, ledger: str) -> int:
    total = await ctx.run(sum_bookings, ledger, clock.period())
    await ctx.run(store_total, ledger, total)
    return total
# file: reports/worker.py
import asyncio

from resonate.resonate import Resonate
from resonate.retry import Never

from reports.closing import close_month


async def main() -> None:
    client = Resonate(url="http://localhost:8001", group="reports", retry_policy=Never())
    client.register(close_month)
    await asyncio.Event().wait()
