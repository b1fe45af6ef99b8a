# file: bus/__init__.py
# file: bus/timetable.py
from resonate.context import Context
from resonate.resonate import Resonate


async def next_bus(ctx: Context, stop: str) -> int:
    return len(stop)


async def trip(ctx: Context, stops: list[str]) -> int:
    minutes = 0
    for stop in stops:
        minutes += await ctx.run(next_bus, stop)
    return minutes


def install(client: Resonate) -> Resonate:
    client.register(next_bus)
    client.register(trip)
    return client

# file: bus/worker.py
import asyncio
import os

from resonate.resonate import Resonate
from resonate.retry import Never

from .timetable import install


async def main() -> None:
    install(Resonate(url=os.environ["RESONATE_URL"], group="bus", retry_policy=Never()))
    await asyncio.Event().wait()

# file: tests/test_trip.py
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never

from bus.timetable import trip


async def next_bus(ctx: Context, stop: str) -> int:
    return 1


async def test_counts_minutes() -> None:
    client = Resonate(group="bus", retry_policy=Never())
    client.register(trip)
    client.register(next_bus, name="next_bus")
    handle = client.run("trip-1", trip, ["a", "b"])
    assert await handle.result() == 3
    await client.stop()


async def test_empty() -> None:
    client = Resonate(group="bus", retry_policy=Never())
    client.register(trip)
    assert await client.run("trip-2", trip, []).result() == 0
    await client.stop()
