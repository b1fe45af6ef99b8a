from resonate.context import Context
from resonate.resonate import Resonate


async def thumbnail(ctx: Context, key: str, width: int) -> str:
    return f"{key}@{width}"


async def catalogue(ctx: Context, keys: list[str]) -> list[str]:
    made = []
    for key in keys:
        made.append(await ctx.run(lambda _, key=key: ctx.run(thumbnail, key, 320)))  # want: RS302
    return made


def register(resonate: Resonate) -> None:
    resonate.register(catalogue, name="media.catalogue")
