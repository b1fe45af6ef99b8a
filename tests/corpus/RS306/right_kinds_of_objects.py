"""Objects that JSON can hold, by their class: enumerations, tuples with names, dataclasses, models that extend models."""

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import httpx
import msgspec
from pydantic import BaseModel
from resonate.context import Context
from resonate.resonate import Resonate


class Colour(enum.Enum):
    red = "red"


class Pair(NamedTuple):
    low: int
    high: int


class Row(TypedDict):
    low: int


@dataclass(slots=True)
class Span:
    low: int


class Base(BaseModel):
    pass


class Range(Base):
    low: int = 1


class Gap(msgspec.Struct):
    low: int


class Helper:
    """Stays in the process."""

    def __init__(self, low: int) -> None:
        self.low = low


async def measure(ctx: Context, kind: str):
    match kind:
        case "colour":
            return Colour.red
        case "pair":
            return Pair(1, 2)
        case "row":
            return Row(low=1)
        case "span":
            return Span(1)
        case "range":
            return Range()
        case "gap":
            return Gap(1)
    return Helper(1).__dict__


async def page(ctx: Context, url: str) -> Any:
    async with httpx.AsyncClient() as client:
        response = await client.get(url)
        return (await client.get(url)).json() if response.is_error else response.json()


def forward(ctx: Context, kind: str):
    return ctx.run(measure, kind)


def anything(ctx: Context, kind: str) -> object:
    return unknown(kind)


def unknown(kind: str):
    return getattr(Helper(1), kind)


async def all_of_them(ctx: Context, kinds: list[str]) -> str:
    for kind in kinds:
        await ctx.run(measure, kind)
        await ctx.run(forward, kind)
        await ctx.run(anything, kind)
    await ctx.run(page, "https://example.org")
    await ctx.rpc(page, str(Path("/data")))
    return "done"


def register(resonate: Resonate) -> None:
    resonate.register(page)
    resonate.register(all_of_them)
