# file: tills/real.py
from resonate.context import Context
from resonate.resonate import Resonate


async def charge(ctx: Context, cents: int) -> int:
    return cents


def install(client: Resonate) -> None:
    client.register(charge)

# file: tills/fake.py
from resonate.context import Context
from resonate.resonate import Resonate


async def charge(ctx: Context, cents: int) -> int:
    return 0


def install(client: Resonate) -> None:
    client.register(charge)

# file: tills/main.py
import asyncio
import os

from resonate.resonate import Resonate
from resonate.retry import Never

from tills import fake, real


async def main() -> None:
    client = Resonate(group="tills", retry_policy=Never())
    if os.environ.get("LIVE"):
        real.install(client)
    else:
        fake.install(client)
    await asyncio.Event().wait()


asyncio.run(main())
