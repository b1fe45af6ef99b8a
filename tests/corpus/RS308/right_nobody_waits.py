"""A target without a timeout, where nobody waits: detached calls, and options of a step, which stays here."""

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


async def crop(ctx: Context, photo: str) -> str:
    return f"{photo}-cropped"


async def upload(ctx: Context, photos: list[str]) -> int:
    statistics = ctx.options(target="statistics")
    for photo in photos:
        cropped = await ctx.options(target="ignored", retry_policy=Never()).run(crop, photo)
        statistics.detached("statistics.count", cropped)
    ctx.options(target="search").detached("search.reindex", len(photos))
    return len(photos)


def register(resonate: Resonate) -> None:
    resonate.register(upload)
