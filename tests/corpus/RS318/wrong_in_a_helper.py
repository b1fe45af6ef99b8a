from resonate.context import Context


async def mail(ctx: Context, text: str) -> None: ...


async def safe(ctx: Context, name: str) -> str | None:
    try:
        return await ctx.rpc("look_up", name)
    except BaseException as error:  # want: RS318
        print(error)
        return None


async def greet(ctx: Context, name: str) -> None:
    known = await safe(ctx, name)
    await ctx.run(mail, f"Dear {known or name}")


async def both(ctx: Context, name: str) -> str | None:
    found = await through(ctx, name)
    if found is None:
        found = await ctx.rpc("guess", name)
    return found


async def through(ctx: Context, name: str) -> str | None:
    return await safe_too(ctx, name)


async def safe_too(ctx: Context, name: str) -> str | None:
    found = None
    try:
        found = await ctx.rpc("look_up", name)
    except BaseException:  # want: RS318
        pass
    return found
