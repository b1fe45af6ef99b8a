# file: radio/station.py
import asyncio
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


def make_client() -> Resonate:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    return Resonate(url=os.environ["RESONATE_URL"], group="station", retry_policy=policy)


async def cut(ctx: Context, show: str) -> str:
    return f"{show}.ogg"


async def record(ctx: Context, show: str) -> str:
    file = await ctx.run(cut, show)
    ctx.detached("anounce", show)  # want: RS101
    return file


async def announce(ctx: Context, show: str) -> None:
    print(f"{show} is ready")


async def main() -> None:
    client = make_client()
    for function in (record, announce):
        client.register(function)
    await asyncio.Event().wait()

# file: radio/desk.py
import time

from resonate.resonate import Resonate
from resonate.types import PromiseRecord, TaskData, Value


async def order_recording(client: Resonate, show: str) -> PromiseRecord:
    root = f"record/{show}"
    lineage = dict.fromkeys(["resonate:origin", "resonate:branch", "resonate:parent"], root)
    tags = {**lineage, "resonate:scope": "global", "resonate:target": "poll://any@station"}
    task = TaskData(func="record", args=(show,), version=2)  # want: RS101
    return await client.promises.create(root, int(time.time() * 1000) + 3_600_000, Value(data=task), tags)
