"""A generator that is seeded by the workflow's own id draws the same numbers in every run."""

import random
from datetime import timedelta

import numpy as np
from resonate.context import Context
from resonate.resonate import Resonate


async def probe(ctx: Context, host: str) -> bool:
    return host.endswith(".example")


async def audit(ctx: Context, hosts: list[str], share: float) -> list[str]:
    rng = random.Random(ctx.info.id)
    chosen = [host for host in hosts if rng.random() < share]
    rng.shuffle(chosen)
    bad = [host for host in chosen if not await ctx.run(probe, host)]
    pause = np.random.default_rng(len(hosts)).integers(1, 10)
    await ctx.sleep(timedelta(seconds=int(pause)))
    return bad


def install(client: Resonate) -> None:
    client.register(audit, name="audit-hosts")
