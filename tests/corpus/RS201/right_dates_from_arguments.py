import asyncio
from datetime import UTC, date, datetime, time, timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def send(ctx: Context, to: str, text: str) -> None:
    print(to, text)


async def remind_before(ctx: Context, to: str, event_at: str, asked_at: float) -> int:
    """Times that come with the call, or are computed from it, are the same in every run."""
    event = datetime.fromisoformat(event_at)
    asked = datetime.fromtimestamp(asked_at, tz=UTC)
    day_before = datetime.combine(event.date() - timedelta(days=1), time(9, 0), tzinfo=UTC)
    ends = EPOCH + timedelta(milliseconds=ctx.info.timeout_at)
    if asked < day_before < ends:
        await ctx.sleep(day_before - asked)
    await ctx.run(send, to, f"tomorrow, {date(event.year, event.month, event.day):%d.%m.%Y}")
    return event.weekday()


async def main() -> None:
    client = Resonate(url="http://localhost:8001", group="calendar", retry_policy=Never())
    client.register(remind_before)
    await asyncio.Event().wait()


asyncio.run(main())
