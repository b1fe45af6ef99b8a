import logging
from datetime import timedelta

from resonate.context import Context

log = logging.getLogger(__name__)


async def measure(ctx: Context, sensor: str) -> int:
    """A leaf may clean up as it likes."""
    opened = open(sensor)  # noqa: SIM115
    try:
        return len(opened.read())
    finally:
        opened.close()


async def watch(ctx: Context, sensor: str) -> int:
    seen = 0
    try:
        await ctx.sleep(timedelta(minutes=1))
        seen += await ctx.rpc("measure", sensor)
    finally:
        log.info("looked at %s", ctx.info.id)
        seen += 1
    try:
        await ctx.rpc("measure", sensor)
    except BaseException:
        log.exception("no measure")
        raise
    return seen + await ctx.run(measure, sensor)
