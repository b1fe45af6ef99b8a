import contextlib
from contextlib import suppress
from datetime import timedelta

from resonate.context import Context


async def mail(ctx: Context, to: str) -> None: ...


async def remind(ctx: Context, to: str) -> None:
    with suppress(BaseException):  # want: RS318
        await ctx.rpc("calendar.reserve", to)
    await ctx.run(mail, to)


async def remind_each(ctx: Context, names: list[str]) -> None:
    for name in names:
        with contextlib.suppress(ValueError, BaseException):  # want: RS318
            await ctx.sleep(timedelta(hours=1))
            await ctx.rpc("calendar.reserve", name)
