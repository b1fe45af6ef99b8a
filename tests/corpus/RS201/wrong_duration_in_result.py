"""Transcodes a video; the result says how long that took."""

import asyncio
from time import perf_counter as tick

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

client = Resonate(
    url="http://localhost:8001",
    group="media",
    retry_policy=Exponential(delay=1, factor=2, max_delay=30, max_retries=3),
    autostart=False,
)


async def encode(ctx: Context, source: str, height: int) -> str:
    return f"{source}.{height}p.mp4"


@client.register(name="transcode")
async def transcode(ctx: Context, source: str) -> dict[str, object]:
    begun = tick()  # want: RS201
    jobs = [ctx.run(encode, source, height) for height in (480, 720, 1080)]
    outputs = [await job for job in jobs]
    took = tick() - begun  # want: RS201
    return {"outputs": outputs, "seconds": round(took, 1)}


async def main() -> None:
    client.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
