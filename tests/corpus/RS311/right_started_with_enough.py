"""Each wait is shorter than the longest deadline that a run of the same workflow gets."""

import asyncio
import os
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


async def send(ctx: Context, to: str) -> str:
    return f"sent to {to}"


async def remind(ctx: Context, to: str) -> str:
    await ctx.run(send, to)
    await ctx.sleep(timedelta(days=3))
    return await ctx.run(send, to)


async def soon(ctx: Context, to: str) -> str:
    await ctx.sleep(timedelta(hours=23))
    return await ctx.run(send, to)


async def main() -> None:
    resonate = Resonate(url=os.environ["RESONATE_URL"], group="reminders", retry_policy=Never())
    resonate.register(remind)
    resonate.register(soon)
    await resonate.options(timeout=timedelta(days=7)).run("remind/ada", remind, "ada").id()
    await resonate.options(timeout=timedelta(hours=1)).run("remind/bob", remind, "bob").id()
    await resonate.run("soon/ada", soon, "ada").id()


asyncio.run(main())
