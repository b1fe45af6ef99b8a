"""Without a timeout the client gives a run one day; this one waits for three before it reminds."""

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
    await ctx.sleep(timedelta(days=3))  # want: RS311
    return await ctx.run(send, to)


async def main() -> None:
    resonate = Resonate(url=os.environ["RESONATE_URL"], group="reminders", retry_policy=Never())
    resonate.register(remind)
    handle = resonate.run("remind/ada", remind, "ada")
    print(await handle.id())


asyncio.run(main())
