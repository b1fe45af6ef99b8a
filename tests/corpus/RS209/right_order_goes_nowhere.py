"""Helpers that look into sets, sets of numbers, and an order that only the result shows."""

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


def has_express(parcels: set[str]) -> bool:
    for parcel in parcels:
        if parcel.startswith("X"):
            return True
    return False


def listed(parcels: list[str]) -> str:
    return ", ".join(set(parcels))


async def load(ctx: Context, shelf: int, weight: int) -> int:
    return shelf * weight


async def load_van(ctx: Context, parcels: list[str], shelves: set[int], weights: dict[str, int]) -> list[object]:
    total = 0
    for parcel in set(parcels):
        total += weights[parcel]
    by_size: dict[int, int] = {}
    for size in {len(parcel) for parcel in parcels}:
        by_size[size] = sum(len(parcel) == size for parcel in parcels)
    done = [await ctx.run(load, shelf, total) for shelf in shelves]
    for extra in {7, 8, 9}:
        if has_express(set(parcels)):
            done.append(await ctx.run(load, extra, max(by_size)))
    return [*done, *set(parcels), listed(parcels)]


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="vans", retry_policy=Constant(delay=1, max_retries=3))
    client.register(load_van)
    return client
