import logging
from datetime import timedelta

from resonate.context import Context
from resonate.error import Suspended

log = logging.getLogger(__name__)


async def mail(ctx: Context, to: str) -> None: ...


async def remind(ctx: Context, to: str) -> None:
    try:
        await ctx.rpc("calendar.reserve", to)
    except BaseException:
        log.exception("no reservation")
        raise
    try:
        await ctx.sleep(timedelta(hours=1))
    except BaseException as error:
        match error:
            case Suspended():
                raise
            case _:
                log.error("not slept")
    try:
        await ctx.rpc("calendar.confirm", to)
    except Suspended:
        raise
    except BaseException:
        log.error("not confirmed")
    await ctx.run(mail, to)
