"""Greets new users with one of two mails."""

import asyncio
import random

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def send_mail(ctx: Context, user: str, template: str) -> None:
    print(user, template)


async def onboard(ctx: Context, user: str) -> str:
    if random.random() < 0.5:  # want: RS202
        await ctx.run(send_mail, user, "welcome-short")
        return "short"
    await ctx.run(send_mail, user, "welcome-long")
    return "long"


async def main() -> None:
    client = Resonate(
        url="http://localhost:8001",
        group="onboarding",
        retry_policy=Exponential(delay=1, factor=2, max_delay=30, max_retries=5),
    )
    client.register(onboard)
    await asyncio.Event().wait()


asyncio.run(main())
