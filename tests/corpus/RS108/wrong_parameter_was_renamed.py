# file: clinic/lab.py
import asyncio
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


async def analyse(ctx: Context, sample: str, *, priority: int = 0) -> dict[str, float]:
    return {sample: 0.5 + priority}


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="lab", retry_policy=Constant(delay=2, max_retries=5))
    client.register(analyse, name="lab.analyse")
    await asyncio.Event().wait()

# file: clinic/ward.py
import asyncio
import os
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


async def diagnose(ctx: Context, patient: str, samples: list[str]) -> dict[str, float]:
    lab = ctx.options(target="lab", timeout=timedelta(hours=4))
    calls = [lab.rpc("lab.analyse", sample, priority=1) for sample in samples]
    found: dict[str, float] = {}
    for call in calls:
        found |= await call
    found |= await lab.rpc("lab.analyse", f"{patient}/control", urgency=2)  # want: RS108
    return found


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="ward", retry_policy=Constant(delay=2, max_retries=5))
    client.register(diagnose)
    await asyncio.Event().wait()
