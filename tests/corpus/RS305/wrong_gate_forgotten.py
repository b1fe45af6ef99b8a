"""The workflow publishes the id of a promise that it then does not wait for."""

from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate


async def post(ctx: Context, channel: str, text: str) -> None:
    print(channel, text)


async def release(ctx: Context, version: str) -> str:
    ctx.promise(timeout=timedelta(hours=4))  # want: RS305
    await ctx.run(post, "#releases", f"{version} waits for an approval")
    ctx.options(timeout=timedelta(minutes=10)).run(post, "#ops", f"{version} goes out")  # want: RS305
    return version


def register(resonate: Resonate) -> None:
    resonate.register(release)
