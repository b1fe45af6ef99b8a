"""What JSON lacks survives where the function says its type."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
from pydantic import BaseModel
from resonate.context import Context


@dataclass
class Leg:
    start: str
    end: str


class Fare(msgspec.Struct):
    amount: Decimal


class Trip(BaseModel):
    legs: int
    on: date


async def now(ctx: Context) -> datetime:
    return datetime.now(UTC)


async def zones(ctx: Context, start: str) -> set[str]:
    return {start, "A"}


async def leg(ctx: Context, start: str, end: str) -> Leg:
    return Leg(start, end)


async def seal(ctx: Context, start: str) -> bytes:
    return start.encode()


async def fare(ctx: Context, legs: int) -> Fare:
    return Fare(amount=Decimal("2.40") * legs)


async def plan(ctx: Context, start: str, end: str) -> Trip:
    at = await ctx.run(now)
    legs = [await ctx.run(leg, start, end)]
    if "A" in await ctx.run(zones, start) and await ctx.run(seal, start):
        legs.append(await ctx.run(leg, end, start))
    paid = await ctx.run(fare, len(legs))
    return Trip(legs=len(legs) if paid.amount > 0 else 0, on=at.date())
