# file: lab/common.py
import os

from resonate.resonate import Resonate
from resonate.retry import Exponential

GROUP = "lab"


def connect(group: str = GROUP) -> Resonate:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    return Resonate(url=os.environ["RESONATE_URL"], group=group, retry_policy=policy)

# file: lab/centrifuge.py
from resonate.context import Context
from resonate.resonate import Resonate


async def spin(ctx: Context, tube: str, seconds: int = 60) -> str:
    return f"{tube} spun for {seconds} s"


def install(client: Resonate) -> None:
    client.register(spin, name="lab.spin")

# file: lab/machines.py
import asyncio

from lab import centrifuge
from lab.common import connect


async def main() -> None:
    client = connect()
    centrifuge.install(client)
    await asyncio.Event().wait()

# file: lab/protocols.py
import asyncio
from datetime import timedelta

from resonate.context import Context

from lab.common import connect


async def assay(ctx: Context, tube: str) -> str:
    return await ctx.options(timeout=timedelta(minutes=30)).rpc("lab.spin", tube)


async def main() -> None:
    client = connect()
    client.register(assay)
    handle = client.rpc("assay/1", "assay", "tube-7")
    print(await handle.id())
    await asyncio.Event().wait()
