"""The order of a set comes by a helper, a model, a variable, or one element at a time."""

import asyncio
from dataclasses import dataclass

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


@dataclass
class Tour:
    stops: list[str]


def without_doubles(stops: list[str]) -> list[str]:
    return list(set(stops))  # want: RS209


def first_in(stops: set[str], street: str) -> str:
    for stop in stops:  # want: RS209
        if stop.startswith(street):
            return stop
    return street


async def deliver(ctx: Context, stop: str) -> bool:
    return bool(stop)


async def drive(ctx: Context, tour: Tour) -> int:
    return len(tour.stops)


async def deliver_all(ctx: Context, stops: list[str], old: dict[str, int], new: dict[str, int]) -> int:
    for stop in without_doubles(stops):
        await ctx.run(deliver, stop)
    await ctx.run(deliver, first_in(set(stops), "Main Street"))
    late = []
    for stop in new.keys() - old.keys():  # want: RS209
        late.append(stop.upper())
    count = await ctx.run(drive, Tour(late))
    waiting = set(stops)
    while waiting:
        await ctx.run(deliver, waiting.pop())  # want: RS209
    await asyncio.gather(*map(lambda stop: ctx.run(deliver, stop), frozenset(stops)))  # want: RS209
    return count


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="tours", retry_policy=Never())
    client.register(deliver_all)
    return client
