from datetime import timedelta

from resonate.context import Context


async def note(ctx: Context, door: str) -> None: ...


async def knock(ctx: Context, doors: list[str]) -> None:
    for door in doors:
        try:
            await ctx.promise(timeout=timedelta(minutes=5))
        finally:
            continue  # want: RS318
    await ctx.run(note, "all")


async def answer(ctx: Context, door: str) -> str:
    heard = "nothing"
    try:
        heard = await ctx.rpc("listen", door)
    finally:
        return heard  # noqa: B012  # want: RS318


async def visit(ctx: Context, door: str) -> None:
    heard = await answer(ctx, door)
    await ctx.run(note, heard)
