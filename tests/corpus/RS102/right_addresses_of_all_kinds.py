import asyncio
import os
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

GROUP = "encoders"
ANY = f"poll://any@{GROUP}"
FUNCTION_URL = "https://encode.example.net/resonate"


async def encode(ctx: Context, clip: str) -> str:
    return f"{clip}.av1"


async def encode_all(ctx: Context, clips: list[str], wide: bool = False) -> list[str]:
    """Here, at a process by its id, at a group by address, and behind a URL."""
    target = FUNCTION_URL if wide else ANY
    made = [await ctx.options(target=target, timeout=timedelta(hours=1)).rpc("encode", clip) for clip in clips]
    made.append(await ctx.options(target=f"poll://uni@{GROUP}/gpu-3", timeout=timedelta(hours=1)).rpc("encode", "x"))
    made.append(await ctx.options(target="nats://encoders.eu", timeout=timedelta(hours=1)).rpc("encode", "y"))
    made.append(await ctx.options(target="http://10.0.0.7:9000", timeout=timedelta(hours=1)).rpc("encode", "z"))
    return made


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group=GROUP, retry_policy=policy)
    client.register(encode)
    client.register(encode_all)
    await asyncio.Event().wait()
