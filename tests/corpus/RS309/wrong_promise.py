"""A gate with a deadline; the answer "too late" is never given."""

import asyncio
from datetime import timedelta
from typing import Any

from resonate.context import Context
from resonate.resonate import Resonate


async def invite(ctx: Context, guest: str, promise: str) -> None:
    print(guest, promise)


async def rsvp(ctx: Context, guest: str) -> str:
    reply = ctx.promise(timeout=timedelta(days=7))
    await ctx.run(invite, guest, await reply.id())
    try:
        answer: dict[str, Any] = await reply
        return str(answer["text"])
    except KeyError:
        return "unclear"
    except asyncio.TimeoutError:  # want: RS309
        return "too late"


def register(resonate: Resonate) -> None:
    resonate.register(rsvp)
