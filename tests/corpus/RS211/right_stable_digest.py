"""The same decisions by digests that are the same everywhere."""

import hashlib
import zlib

from resonate.context import Context
from resonate.resonate import Resonate


async def send(ctx: Context, relay: int, to: str) -> str:
    return f"{to} by {relay}"


async def newsletter(ctx: Context, recipients: list[str], subject: str) -> list[str]:
    shard = zlib.crc32(subject.encode()) % 8
    key = hashlib.sha256(subject.encode()).hexdigest()[:12]
    return [await ctx.run(send, shard, f"{key}/{to}") for to in recipients]


def register(resonate: Resonate) -> None:
    resonate.register(newsletter)
