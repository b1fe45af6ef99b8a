"""Exchange rates: an async step that fetches with requests, by a name of its own."""

from requests import get as fetch
from requests import post
from resonate.context import Context
from resonate.resonate import Resonate


async def rate_of(ctx: Context, currency: str) -> float:
    answer = fetch(f"https://rates.internal/{currency}", timeout=10)  # want: RS304
    answer.raise_for_status()
    return float(answer.json()["rate"])


async def announce(ctx: Context, currency: str, cents: int) -> None:
    post("https://desk.internal/quotes", json={"currency": currency, "cents": cents}, timeout=10)  # want: RS304


async def quote(ctx: Context, cents: int, currency: str) -> int:
    converted = round(cents * await ctx.run(rate_of, currency))
    await ctx.run(announce, currency, converted)
    return converted


def register(resonate: Resonate) -> None:
    resonate.register(quote)
