from datetime import timedelta

from resonate.context import Context


async def lock(ctx: Context, door: str) -> None: ...


async def unlock(ctx: Context, door: str) -> None: ...


async def visit(ctx: Context, door: str) -> None:
    await ctx.run(unlock, door)
    try:
        await ctx.sleep(timedelta(minutes=10))
    finally:
        await ctx.run(lock, door)  # want: RS317


async def visit_and_ask(ctx: Context, door: str) -> str:
    opened = await ctx.rpc("may_open", door)
    answer = ""
    try:
        answer = await ctx.promise(timeout=timedelta(hours=1))
    except ValueError:
        answer = "nobody"
    finally:
        if opened:
            await closing(ctx, door)  # want: RS317
    return answer


async def closing(ctx: Context, door: str) -> None:
    await ctx.run(lock, door)
