# file: kennel/records.py
import asyncio
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def find_dog(ctx: Context, chip: str) -> dict[str, str]:
    return {"chip": chip, "name": "Rex"}


async def note_visit(ctx: Context, chip: str, reason: str) -> None:
    print(chip, reason)


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group="records", retry_policy=policy)
    client.register(find_dog)
    client.register(note_visit)
    await asyncio.Event().wait()

# file: kennel/clinic.py
import asyncio
import os
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def visit(ctx: Context, chip: str) -> str:
    records = ctx.options(target="records", timeout=timedelta(minutes=2))
    dog = await records.rpc("find_dog", chip)
    await records.rpc("note_vist", chip, "vaccination")  # want: RS101
    return dog["name"]


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group="clinic", retry_policy=policy)
    client.register(visit)
    await asyncio.Event().wait()
