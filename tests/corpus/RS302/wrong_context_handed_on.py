"""A step that hands the outer context to helpers: beside it in the workflow, and of the module."""

from resonate.context import Context


async def dye(ctx: Context, yarn: str, colour: str) -> str:
    return f"{colour} {yarn}"


async def dye_twice(ctx: Context, yarn: str, colour: str) -> str:
    return await ctx.run(dye, await ctx.run(dye, yarn, colour), colour)


async def batch(ctx: Context, yarns: list[str]) -> list[str]:
    async def in_blue(yarn: str) -> str:
        return await ctx.run(dye, yarn, "blue")  # want: RS302

    async def first(_: Context, yarn: str) -> str:
        return await in_blue(yarn)

    async def second(_: Context, yarn: str) -> str:
        return await dye_twice(ctx, yarn, "red")  # want: RS302

    async def third(step: Context, yarn: str) -> str:
        return await dye_twice(step, yarn, "green")

    done = [await ctx.run(first, yarns[0]), await ctx.run(second, yarns[1]), await ctx.run(third, yarns[2])]
    return [*done, await dye_twice(ctx, yarns[3], "black")]
