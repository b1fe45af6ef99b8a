import os
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never

SLOTS = {"06:30": "30 6 * * *", "18:00": "0 18 * * *"}


async def water(ctx: Context, slot: str) -> str:
    return f"watered at {slot}"


async def plan(beds: list[str]) -> Resonate:
    resonate = Resonate(url=os.environ["RESONATE_URL"], group="garden", retry_policy=Never())
    resonate.register(water)
    for slot, cron in SLOTS.items():
        id = f"water/{slot.replace(':', '')}"
        await resonate.schedule(id, cron, "water", args=(slot,), promise_timeout=timedelta(hours=1))
    return resonate
