# file: travel/agent.py
import asyncio

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

from travel.flights import find_flight

POLICY = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)


async def trip(ctx: Context, city: str) -> str:
    """The other group is served by this project too, but by another process, which may be down."""
    flights = ctx.options(  # want: RS308
        target="flights",
        version=1,
    )
    return await flights.rpc("flights.find", city)


async def main() -> None:
    agent = Resonate(url="http://localhost:8001", group="agent", retry_policy=POLICY)
    agent.register(trip)
    flights = Resonate(url="http://localhost:8001", group="flights", retry_policy=POLICY)
    flights.register(find_flight, name="flights.find")
    await asyncio.Event().wait()


asyncio.run(main())

# file: travel/flights.py
from resonate.context import Context


async def find_flight(ctx: Context, city: str) -> str:
    return f"LX 308 to {city}"
