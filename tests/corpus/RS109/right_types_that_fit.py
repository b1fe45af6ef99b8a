import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Literal, NewType

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

Cents = NewType("Cents", int)
type Weight = int | float
Name = Annotated[str, "as printed"]


class Speed(StrEnum):
    SLOW = "slow"
    FAST = "fast"


async def price(ctx: Context, cents: Cents, weight: Weight, factor: float, speed: Speed) -> float:
    return cents * weight * factor


async def label(ctx: Context, to: Name, note: str | None, size: Literal["S", "L"], tags: Sequence[str]) -> str:
    return f"{to} {note} {size} {list(tags)}"


async def track(ctx: Context, fields: Mapping[str, Any], steps: Iterable[int], extra: object, urgent: int) -> int:
    return len(fields) + sum(steps) + urgent


async def untyped(ctx, parcel, times=1):
    return parcel


async def identity[T](ctx: Context, value: T) -> T:
    return value


async def ship(ctx: Context, to: str) -> str:
    await ctx.run(price, Cents(500), 3, 2, Speed.FAST)
    await ctx.run(label, to, None, "S", ["fragile"])
    await ctx.run(track, {"a": 1}, [1, 2, 3], "anything", True)
    await ctx.run(untyped, 7, times="many")
    await ctx.run(identity, 3)
    return await ctx.run(label, "Ann", note="x", size="L", tags=["a", *to.split()])


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group="parcels", retry_policy=policy)
    client.register(ship)
    client.register(price)
    print(await client.rpc("price/1", "price", 500, 2.5, 1, "fast").result())


asyncio.run(main())
