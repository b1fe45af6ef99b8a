from contextlib import suppress
from datetime import timedelta

from resonate.context import Context


async def mail(ctx: Context, to: str) -> None: ...


async def remind(ctx: Context, to: str) -> None:
    with suppress(Exception):
        await ctx.rpc("calendar.reserve", to)
    try:
        await ctx.sleep(timedelta(hours=1))
    except Exception:
        to = "desk"
    await ctx.run(mail, to)
