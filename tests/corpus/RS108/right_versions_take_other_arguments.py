import asyncio
import os
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def rate(ctx: Context, amount: int) -> int:
    return amount // 100


async def rate_with_risk(ctx: Context, amount: int, risk: str) -> int:
    return amount // (100 if risk == "low" else 50)


async def offer(ctx: Context, amount: int, version: int) -> list[int]:
    first = ctx.options(timeout=timedelta(minutes=1)).rpc("rate", amount)
    second = ctx.options(timeout=timedelta(minutes=1), version=2).rpc("rate", amount, "low")
    chosen = ctx.options(timeout=timedelta(minutes=1), version=version)
    third = chosen.rpc("rate", amount) if version == 1 else chosen.rpc("rate", amount, risk="high")
    partner = ctx.options(target="partner-bank", timeout=timedelta(hours=1)).rpc("offer.rate", amount, "EUR", [1])
    return [await first, await second, await third, await partner]


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group="loans", retry_policy=policy)
    client.register(rate)
    client.register(rate_with_risk, name="rate", version=2)
    client.register(offer)
    await asyncio.Event().wait()
