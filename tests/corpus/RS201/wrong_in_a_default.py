"""Each process has another time as the default: that of its import."""

import time
from datetime import UTC, datetime

from resonate.context import Context
from resonate.resonate import Resonate


class Report:
    made = datetime.now(UTC)

    def __init__(self, name: str) -> None:
        self.name = name


async def store(ctx: Context, name: str, at: float) -> str:
    return f"{name} {at}"


async def nightly(ctx: Context, name: str, at: float = time.time()) -> str:  # want: RS201
    done = await ctx.run(store, name, at)
    return done + await ctx.run(store, Report.made.isoformat(), at)  # want: RS201


def register(resonate: Resonate) -> None:
    resonate.register(nightly)
