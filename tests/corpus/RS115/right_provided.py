"""Provided in one call and in a chain, by a helper, and of a class by another of its names."""

import asyncio
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.ext.asyncio.engine import AsyncEngine as Engine


class Mail:
    pass


class Clock:
    pass


def equipped(client: Resonate, engine: AsyncEngine) -> Resonate:
    return client.with_dependency(engine)


async def remind(ctx: Context, to: str) -> str:
    known = (ctx.get_dependency(Mail), ctx.get_dependency(Clock), ctx.get_dependency(Engine))
    return f"{to} {len(known)}"


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="reminders", retry_policy=Never())
    client.with_dependency(Mail()).with_dependency(Clock())
    equipped(client, create_async_engine(os.environ["DATABASE_URL"]))
    client.register(remind)
    await asyncio.Event().wait()


asyncio.run(main())
