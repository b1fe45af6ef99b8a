"""Threads and processes belong to a step, which ends when they have."""

import asyncio
import subprocess
from concurrent.futures import ThreadPoolExecutor

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


def digest(path: str) -> str:
    return subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout.split()[0]


async def digests(ctx: Context, paths: list[str]) -> list[str]:
    return await asyncio.gather(*(asyncio.to_thread(digest, path) for path in paths))


def sizes(ctx: Context, paths: list[str]) -> list[int]:
    with ThreadPoolExecutor() as pool:
        return list(pool.map(len, paths))


async def inventory(ctx: Context, paths: list[str]) -> dict[str, str]:
    found = await ctx.run(digests, paths)
    measured = await ctx.run(sizes, paths)
    return {path: f"{sha} {size}" for path, sha, size in zip(paths, found, measured, strict=True)}


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url="http://localhost:8001", group="inventory", retry_policy=policy)
    client.register(inventory)
    await asyncio.Event().wait()


asyncio.run(main())
