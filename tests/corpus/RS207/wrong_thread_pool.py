"""Rates applicants in parallel, on threads of the workflow's own."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


def rate(applicant: str) -> int:
    return sum(map(ord, applicant)) % 100


async def invite(ctx: Context, applicant: str) -> None:
    print("invited:", applicant)


async def screen(ctx: Context, applicants: list[str]) -> list[str]:
    with ThreadPoolExecutor(max_workers=4) as pool:  # want: RS207
        scores = list(pool.map(rate, applicants))
    best = [name for name, score in zip(applicants, scores, strict=True) if score > 50]
    for name in best:
        await ctx.run(invite, name)
    return best


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url="http://localhost:8001", group="hiring", retry_policy=policy)
    client.register(screen)
    await asyncio.Event().wait()


asyncio.run(main())
