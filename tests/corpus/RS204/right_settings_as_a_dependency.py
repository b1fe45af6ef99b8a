"""Read at import by a class of settings that a worker provides; and by steps."""

import os
from dataclasses import dataclass, field

from resonate.context import Context
from resonate.resonate import Resonate


class Settings:
    region = os.environ.get("REGION", "eu")


@dataclass
class Options:
    tenant: str = os.environ.get("TENANT", "")
    names: list[str] = field(default_factory=list)


async def store(ctx: Context, name: str, region: str = os.environ.get("REGION", "eu")) -> str:
    return f"{region}/{name}"


async def upload(ctx: Context, name: str) -> str:
    settings, options = ctx.get_dependency(Settings), ctx.get_dependency(Options)
    await ctx.run(store, options.tenant)
    return await ctx.run(store, f"{settings.region}/{name}")


def register(resonate: Resonate) -> None:
    resonate.with_dependency(Settings()).with_dependency(Options())
    resonate.register(upload)
