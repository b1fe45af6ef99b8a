# file: watch/checks.py
from resonate.context import Context


async def health(ctx: Context) -> str:
    return "ok"


async def scan(ctx: Context, host: str) -> list[int]:
    return [22, 443] if host else []

# file: watch/scanner.py
import asyncio
import os

from resonate.resonate import Resonate
from resonate.retry import Linear

from watch.checks import health, scan


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="scanners", retry_policy=Linear(delay=1, max_retries=5))
    client.register(health)
    client.register(scan)
    await asyncio.Event().wait()

# file: watch/alarms.py
import asyncio
import os

from resonate.resonate import Resonate
from resonate.retry import Linear

from watch.checks import health as alive


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="alarms", retry_policy=Linear(delay=1, max_retries=5))
    client.register(alive)
    await asyncio.Event().wait()

# file: watch/small.py
"""A second way to run the scanners, on one machine: its own process, its own client."""

import asyncio
import os

from resonate.resonate import Resonate
from resonate.retry import Never

from watch import checks


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="scanners", retry_policy=Never())
    client.register(checks.scan)
    client.register(checks.health)
    await asyncio.Event().wait()
