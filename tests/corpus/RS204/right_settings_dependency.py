"""The environment is read once, at start-up; the workflow asks its dependency, and the flag in a step."""

import asyncio
import os
import sys
from dataclasses import dataclass
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


@dataclass(frozen=True)
class Settings:
    pause: timedelta
    sender: str

    @classmethod
    def read(cls) -> "Settings":
        return cls(
            pause=timedelta(minutes=int(os.environ.get("PAUSE_MINUTES", "5"))),
            sender=os.getenv("SENDER", "shop@example.org"),
        )


async def paused(ctx: Context) -> bool:
    return os.environ.get("PAUSED") == "yes"


async def mail(ctx: Context, sender: str, to: str) -> None:
    print(sender, to)


async def campaign(ctx: Context, recipients: list[str]) -> int:
    settings = ctx.get_dependency(Settings)
    for recipient in recipients:
        while await ctx.run(paused):
            await ctx.sleep(settings.pause)
        await ctx.run(mail, settings.sender, recipient)
    return len(recipients)


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=sys.argv[1], group="mailing", retry_policy=policy)
    client.with_dependency(Settings.read())
    client.register(campaign)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
