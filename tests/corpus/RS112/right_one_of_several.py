import asyncio
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


class Clock:
    """Real time."""

    def ticks(self) -> int:
        return 60


class FastClock(Clock):
    def ticks(self) -> int:
        return 1


class Mail:
    async def send(self, to: str) -> str:
        return f"sent to {to}"


class MailToNobody(Mail):
    async def send(self, to: str) -> str:
        return f"not sent to {to}"


async def remind(ctx: Context, to: str) -> str:
    return f"{ctx.get_dependency(Clock).ticks()} {await ctx.get_dependency(Mail).send(to)}"


async def main(dry: bool) -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group="reminders", retry_policy=policy)
    client.register(remind)
    client.with_dependency(FastClock())
    client.with_dependency(Clock())
    if dry:
        client.with_dependency(MailToNobody())
    else:
        client.with_dependency(Mail())
    await asyncio.Event().wait()


asyncio.run(main(dry="DRY" in os.environ))
