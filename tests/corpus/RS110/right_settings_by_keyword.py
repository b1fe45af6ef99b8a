# file: crane/client.py
import os
from typing import Any

from resonate.resonate import Resonate
from resonate.retry import Linear

BOUNDED = Linear(delay=2, max_retries=5)
ASLEEP = False
OPTIONS: dict[str, Any] = {"group": "cranes", "retry_policy": BOUNDED, "autostart": False}

from_options = Resonate(url=os.environ.get("RESONATE_URL"), **OPTIONS)
from_constant = Resonate(group="cranes-dry", retry_policy=BOUNDED, autostart=ASLEEP)


class Cranes(Resonate):
    """Defined here, built in `main`."""

    def __init__(self, site: str) -> None:
        super().__init__(group=f"cranes-{site}", retry_policy=BOUNDED)

# file: crane/main.py
import asyncio

from resonate.context import Context

from crane.client import Cranes, from_constant, from_options


async def lift(ctx: Context, kilos: int) -> int:
    return kilos


async def main() -> None:
    for resonate in (from_options, from_constant, Cranes("north")):
        resonate.register(lift)
        resonate.start()
        await resonate.stop()


asyncio.run(main())
