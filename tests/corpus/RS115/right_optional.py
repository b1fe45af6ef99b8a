"""It may be there, or not."""

import asyncio
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


class Tracer:
    def span(self, name: str) -> str:
        return name


def tracer_of(ctx: Context) -> Tracer:
    try:
        return ctx.get_dependency(Tracer)
    except KeyError:
        return Tracer()


async def work(ctx: Context, name: str) -> str:
    return tracer_of(ctx).span(name)


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="traced", retry_policy=Never())
    client.register(work)
    await asyncio.Event().wait()


asyncio.run(main())
