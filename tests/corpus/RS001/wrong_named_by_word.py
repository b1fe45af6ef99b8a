import os

from resonate.context import Context


async def note(ctx: Context, region: str) -> None:
    print(region)


async def place(ctx: Context, order: str) -> str:
    region = os.environ["REGION"]  # noqa: environment  # want: RS001, RS204
    await ctx.run(note, region)
    return f"{order}@{region}"
