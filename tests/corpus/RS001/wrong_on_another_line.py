from uuid import uuid4

from resonate.context import Context


async def note(ctx: Context, *parts: str) -> None:
    print(parts)


async def label(ctx: Context, parcel: str) -> str:
    name = "-".join(  # noqa: RS203  # want: RS001
        (parcel, str(uuid4())),  # want: RS203
    )
    await ctx.run(note, name)
    return name
