"""How long a run took goes into the log, and nowhere else."""

import logging
import time
from datetime import datetime, timezone

from resonate.context import Context
from resonate.resonate import Resonate

logger = logging.getLogger(__name__)


async def resize(ctx: Context, picture: str, width: int) -> str:
    return f"{picture}@{width}"


async def thumbnails(ctx: Context, picture: str) -> list[str]:
    print(f"[{datetime.now(timezone.utc):%H:%M:%S}] thumbnails of {picture}")
    started = time.perf_counter()
    small = await ctx.run(resize, picture, 64)
    large = await ctx.run(resize, picture, 512)
    elapsed_ms = (time.perf_counter() - started) * 1000
    logger.info("thumbnails of %s: %.1f ms", picture, elapsed_ms, extra={"at": time.time()})
    return [small, large]


def install(client: Resonate) -> None:
    client.register(thumbnails)
