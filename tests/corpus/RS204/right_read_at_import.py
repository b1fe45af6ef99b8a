"""Constants that are read when the module is imported are not read by the workflow."""

import os
import socket

from resonate.context import Context
from resonate.resonate import Resonate

TENANT = os.environ.get("TENANT", "main")
HOST = socket.gethostname()
DEBUG = bool(os.getenv("DEBUG"))


async def archive(ctx: Context, tenant: str, year: int) -> str:
    return f"/archive/{tenant}/{year}"


async def archive_years(ctx: Context, first: int, last: int) -> list[str]:
    if DEBUG:
        print("archiving on", HOST)
    return [await ctx.run(archive, TENANT, year) for year in range(first, last + 1)]


def install(client: Resonate) -> None:
    client.register(archive_years)
