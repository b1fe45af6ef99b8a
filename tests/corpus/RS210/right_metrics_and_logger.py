"""Objects that count and log for operators: nothing that the workflow does depends on them."""

import logging
from datetime import timedelta

from prometheus_client import Counter
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant

logger = logging.getLogger(__name__)
REFILLS = Counter("refills", "Refills that were started", ["machine"])


async def refill(ctx: Context, machine: str, cups: int) -> int:
    return cups


async def keep_filled(ctx: Context, machine: str, days: int) -> int:
    cups = 0
    for day in range(days):
        REFILLS.labels(machine).inc()
        logger.info("day %d: refilling %s", day, machine)
        cups += await ctx.run(refill, machine, 40)
        await ctx.sleep(timedelta(days=1))
    return cups


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="coffee", retry_policy=Constant(delay=1, max_retries=3))
    client.register(keep_filled)
    return client
