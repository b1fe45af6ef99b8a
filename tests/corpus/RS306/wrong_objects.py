"""Results and arguments that are objects of a process: a response, a path, a plain object, a call that is not awaited."""

from dataclasses import dataclass
from pathlib import Path

import httpx
from resonate.context import Context
from resonate.resonate import Resonate


class Reading:
    def __init__(self, station: str, celsius: float) -> None:
        self.station = station
        self.celsius = celsius


@dataclass
class Report:
    celsius: float


class Broken(Exception):
    pass


async def fetch(ctx: Context, station: str):
    async with httpx.AsyncClient() as client:
        return await client.get(f"https://{station}.internal")  # want: RS306


async def read(ctx: Context, station: str) -> Reading:
    return Reading(station, 21.5)  # want: RS306


async def place(ctx: Context, station: str) -> Path:
    return Path("/data") / station  # want: RS306


async def outcome(ctx: Context, station: str):
    if not station:
        return Broken("no station")  # want: RS306
    if station == "all":
        return {"order": lambda reading: reading.celsius}  # want: RS306
    return {"order": "celsius"}


async def again(ctx: Context, station: str):
    return ctx.run(outcome, station)  # want: RS306


async def collect(ctx: Context, station: str) -> None:
    for function in (fetch, read, place, again):
        await ctx.run(function, station)
    await ctx.run(outcome, station)
    await ctx.rpc("report", Report(21.5), Reading(station, 21.5))  # want: RS306
    try:
        await ctx.rpc("report", {"days": range(7)})  # want: RS306
    except ValueError as error:
        await ctx.rpc("complain", error)  # want: RS306


def register(resonate: Resonate) -> None:
    for function in (fetch, read, place, again, collect):
        resonate.register(function)
    resonate.register(complain)
    resonate.register(report)


async def complain(ctx: Context, problem: str) -> str:
    return problem


async def report(ctx: Context, what: Report, reading: dict[str, float] | None = None) -> float:
    return what.celsius
