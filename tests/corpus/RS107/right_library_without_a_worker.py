# file: geo/durable.py
"""Functions for other people's workers: nothing is registered in this repository."""

import math

from resonate.context import Context


async def distance(ctx: Context, a: tuple[float, float], b: tuple[float, float]) -> float:
    return math.dist(a, b)


async def path(ctx: Context, points: list[tuple[float, float]]) -> float:
    metres = 0.0
    for a, b in zip(points, points[1:], strict=False):
        metres += await ctx.run(distance, a, b)
    return metres

# file: geo/plain.py
import math


def area(width: float, height: float) -> float:
    return math.fabs(width * height)
