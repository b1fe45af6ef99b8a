# file: print3d/functions.py
from resonate.context import Context


class Farm:
    def __init__(self, printers: int) -> None:
        self.printers = printers

    async def slice(self, ctx: Context, model: str, layers: int) -> dict[str, int]:
        return {model: layers * self.printers}

    async def job(self, ctx: Context, model: str) -> int:
        plan = await ctx.run(self.slice, 40, model)  # want: RS109
        return plan[model]

# file: print3d/worker.py
import asyncio
import os
from datetime import timedelta

from resonate.resonate import Resonate
from resonate.retry import Linear

from print3d.functions import Farm

NIGHTLY = (7,)


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="print3d", retry_policy=Linear(delay=2, max_retries=10))
    farm = Farm(printers=6)
    client.register(farm.job, name="print3d.job")
    job = "print3d.job"
    await client.schedule("print-nightly", "0 3 * * *", job, (7,), promise_timeout=timedelta(hours=5))  # want: RS109
    await client.schedule("print-weekly", "0 4 * * 0", job, ("vase",), promise_timeout=timedelta(hours=5))
    await asyncio.Event().wait()
