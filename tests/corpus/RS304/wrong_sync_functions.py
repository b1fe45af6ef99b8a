"""The SDK calls steps that are not async in the loop too: what they wait for stops the heartbeat."""

import subprocess
import time

import requests
from resonate.context import Context
from resonate.resonate import Resonate


def fetch(ctx: Context, url: str) -> str:
    return requests.get(url, timeout=5).text  # want: RS304


def compress(ctx: Context, text: str) -> int:
    time.sleep(0.1)  # want: RS304
    done = subprocess.run(["zstd", "-c"], input=text.encode(), capture_output=True, check=True)  # want: RS304
    return len(done.stdout)


async def snapshot(ctx: Context, url: str) -> int:
    return await ctx.run(compress, await ctx.run(fetch, url))


def register(resonate: Resonate) -> None:
    resonate.register(snapshot)
