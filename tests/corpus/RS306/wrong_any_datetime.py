"""A clock reading as a step, typed Any: what arrives is a string."""

from datetime import UTC, datetime, timedelta
from typing import Any

from resonate.context import Context
from resonate.resonate import Resonate


async def now(ctx: Context) -> Any:
    return datetime.now(UTC)  # want: RS306


async def file_paper(ctx: Context, paper: str, due: datetime) -> str:
    return f"{paper} until {due:%Y-%m-%d}"


async def lend_out(ctx: Context, paper: str) -> str:
    started = await ctx.run(now)
    return await ctx.run(file_paper, paper, started + timedelta(days=30))


def register(resonate: Resonate) -> None:
    resonate.register(lend_out)
