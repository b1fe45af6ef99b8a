"""Remembers coordinates in the process, and so makes the durable call in some runs only."""

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant

_known: dict[str, list[float]] = {}


async def geocode(ctx: Context, city: str) -> list[float]:
    return [float(len(city)), 0.0]


async def distance(ctx: Context, one: str, other: str) -> float:
    points = []
    for city in (one, other):
        point = _known.get(city)  # want: RS210
        if point is None:
            point = await ctx.run(geocode, city)
            _known[city] = point
        points.append(point)
    return abs(points[0][0] - points[1][0])


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="maps", retry_policy=Constant(delay=1, max_retries=5))
    client.register(distance)
    return client
