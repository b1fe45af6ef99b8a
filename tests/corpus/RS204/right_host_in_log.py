import logging
import os
import platform
import socket

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never

logger = logging.getLogger("scans")


async def scan(ctx: Context, disk: str) -> dict[str, str]:
    """A step says where it ran, and its answer is recorded."""
    return {"disk": disk, "host": platform.node(), "user": os.environ.get("USER", "")}


async def scan_all(ctx: Context, disks: list[str]) -> list[dict[str, str]]:
    logger.info("scanning %d disks from %s", len(disks), socket.gethostname())
    results = [await ctx.run(scan, disk) for disk in disks]
    logger.debug("working directory: %s", os.getcwd())
    return results


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="scans", retry_policy=Never())
    client.register(scan_all)
    return client
