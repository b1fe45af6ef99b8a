# file: rates/table.py
import json
from pathlib import Path


class Rates:
    """Read once, before the worker serves."""

    def __init__(self, path: Path) -> None:
        self.by_country: dict[str, int] = json.loads(path.read_text())

    def of(self, country: str) -> int:
        return self.by_country[country]
# file: rates/flow.py
from resonate.context import Context

from rates.table import Rates


async def book(ctx: Context, parcel: str, cents: int) -> str:
    return f"{parcel}: {cents}"


async def price(ctx: Context, parcel: str, countries: list[str]) -> list[str]:
    rates = ctx.get_dependency(Rates)
    return [await ctx.run(book, parcel, rates.of(country)) for country in countries]
# file: rates/worker.py
import asyncio
from pathlib import Path

from resonate.resonate import Resonate
from resonate.retry import Never

from rates.flow import price
from rates.table import Rates


async def main() -> None:
    client = Resonate(url="http://localhost:8001", group="rates", retry_policy=Never())
    client.with_dependency(Rates(Path("rates.json")))
    client.register(price, name="rates.price")
    with open("worker.ready", "w") as ready:
        ready.write("yes")
    await asyncio.Event().wait()


asyncio.run(main())
