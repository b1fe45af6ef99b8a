import asyncio
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


class Mail:
    async def send(self, to: str) -> str:
        return f"sent to {to}"


async def remind(ctx: Context, to: str) -> str:
    return await ctx.get_dependency(Mail).send(to)  # want: RS115


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="reminders", retry_policy=Never())
    client.register(remind)
    await asyncio.Event().wait()


asyncio.run(main())
