from uuid import uuid4

from resonate.context import Context


async def note(ctx: Context, text: str) -> None:
    print(text)


async def letter(ctx: Context, name: str) -> None:
    await ctx.run(
        note,
        f"""
        To {name}.
        Our sign: {uuid4()}
        """,
    )  # noqa: RS203
