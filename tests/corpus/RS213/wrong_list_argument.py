from resonate.context import Context


async def collect(ctx: Context, names: list[str], found: list[str]) -> None:
    found.extend(it.title() for it in names)


def note(ctx: Context, book, *, number: int) -> None:
    book["number"] = number


async def drain(ctx: Context, queue: set[int]) -> None:
    queue.clear()


async def survey(ctx: Context, names: list[str]) -> list[str]:
    found: list[str] = []
    await ctx.run(collect, names, found)  # want: RS213
    book = {"name": "survey"}
    await ctx.run(note, book=book, number=len(names))  # want: RS213
    await ctx.rpc("keep", book)
    queue = set(map(len, names))
    while queue:
        await ctx.run(drain, queue)  # want: RS213
    return found
