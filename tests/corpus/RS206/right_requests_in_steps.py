"""Requests are made in steps: an async one, one with a thread, and one that is nested in the workflow."""

import asyncio

import httpx
import requests
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def geocode(ctx: Context, address: str) -> list[float]:
    async with httpx.AsyncClient() as http:
        answer = await http.get("https://maps.example/geocode", params={"q": address})
        return answer.json()["point"]


async def nearest_depot(ctx: Context, point: list[float]) -> str:
    answer = await asyncio.to_thread(requests.post, "https://maps.example/nearest", json=point, timeout=10)
    return answer.json()["depot"]


async def dispatch(ctx: Context, address: str) -> str:
    async def confirm(_: Context, depot: str) -> int:
        async with httpx.AsyncClient() as http:
            return (await http.post(f"https://depots.example/{depot}", json={"to": address})).status_code

    point = await ctx.run(geocode, address)
    depot = await ctx.run(nearest_depot, point)
    status = await ctx.run(confirm, depot)
    return f"{depot}: {status}"


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url="http://localhost:8001", group="dispatch", retry_policy=policy)
    client.register(dispatch)
    await asyncio.Event().wait()


asyncio.run(main())
