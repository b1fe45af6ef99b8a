import asyncio
import os
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


async def quote(ctx: Context, weight: int) -> int:
    return 500 + weight * 20


async def quote_by_zone(ctx: Context, weight: int, zone: str = "A") -> int:
    return 450 + weight * (20 if zone == "A" else 35)


async def ship(ctx: Context, parcel: dict[str, int]) -> int:
    current = ctx.options(timeout=timedelta(minutes=1), version=2)
    planned = ctx.options(timeout=timedelta(minutes=1), version=3)
    price = await current.rpc("quote", parcel["weight"])
    return price + await planned.rpc("quote", parcel["weight"])  # want: RS101


async def main() -> None:
    retries = Constant(delay=2, max_retries=10)
    client = Resonate(url=os.environ["RESONATE_URL"], group="parcels", retry_policy=retries)
    client.register(quote, version=1)
    client.register(quote_by_zone, name="quote", version=2)
    client.register(ship)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
