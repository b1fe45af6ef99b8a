"""Module-level tables that nobody changes, one of them filled while the module is imported."""

import asyncio
import re

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

STAGES = ["draft", "review", "print"]
WEIGHTS: dict[str, int] = {"draft": 1, "review": 3}
WEIGHTS["print"] = 2
SLUG = re.compile(r"[^a-z0-9]+")
ORDINALS: dict[int, str] = {}
for _number, _stage in enumerate(STAGES, start=1):
    ORDINALS[_number] = f"{_number}. {_stage}"


async def work(ctx: Context, slug: str, stage: str) -> int:
    return len(slug) * WEIGHTS[stage]


async def produce(ctx: Context, title: str) -> list[str]:
    slug = SLUG.sub("-", title.lower())
    log = []
    for number, stage in enumerate(STAGES, start=1):
        hours = await ctx.run(work, slug, stage)
        log.append(f"{ORDINALS[number]}: {hours * WEIGHTS[stage]}")
    return log


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url="http://localhost:8001", group="press", retry_policy=policy)
    client.register(produce)
    await asyncio.Event().wait()


asyncio.run(main())
