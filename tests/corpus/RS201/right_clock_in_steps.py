"""The time is read where it is recorded: in a step, a nested step, and a lambda."""

import asyncio
import time
from datetime import datetime, timedelta, timezone

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def current_time(ctx: Context) -> datetime:
    return datetime.now(timezone.utc)


async def lend(ctx: Context, book: str, reader: str) -> dict[str, str]:
    def stamp(_: Context) -> float:
        return time.time()

    started = await ctx.run(current_time)
    serial = await ctx.run(stamp)
    nanos = await ctx.run(lambda _: time.time_ns())
    due = started + timedelta(days=21)
    await ctx.sleep(due - started)
    return {"book": book, "reader": reader, "due": due.isoformat(), "serial": f"{serial}-{nanos}"}


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url="http://localhost:8001", group="library", retry_policy=policy)
    client.register(lend)
    begun = time.monotonic()
    handle = client.run("lend/moby-dick/ann", lend, "moby-dick", "ann")
    print(await handle.result(), time.monotonic() - begun)


if __name__ == "__main__":
    asyncio.run(main())
