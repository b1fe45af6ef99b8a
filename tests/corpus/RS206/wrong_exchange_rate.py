"""Converts an amount with a rate that the workflow fetches itself."""

import asyncio

import httpx
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def pay(ctx: Context, account: str, cents: int) -> str:
    return f"{account}:{cents}"


async def pay_abroad(ctx: Context, account: str, cents: int, currency: str) -> str:
    async with httpx.AsyncClient(timeout=10) as http:
        answer = await http.get(f"https://rates.example/{currency}")  # want: RS206
    rate = float(answer.json()["rate"])
    return await ctx.run(pay, account, round(cents * rate))


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url="http://localhost:8001", group="payments", retry_policy=policy)
    client.register(pay_abroad)
    await asyncio.Event().wait()


asyncio.run(main())
