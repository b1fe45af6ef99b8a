"""As with asyncio.gather: a list of coroutines, each given to `rpc`."""

from resonate.context import Context
from resonate.resonate import Resonate


async def thumbnail(ctx: Context, picture: str) -> str:
    return f"{picture}.small"


async def album(ctx: Context, pictures: list[str]) -> list[str]:
    calls = [ctx.rpc(thumbnail(ctx, picture)) for picture in pictures]  # want: RS314
    return [await it for it in calls]


def register(resonate: Resonate) -> None:
    resonate.register(album)
    resonate.register(thumbnail)
