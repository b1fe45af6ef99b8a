import sys
from datetime import timedelta

from resonate.context import Context


async def close(ctx: Context, door: str) -> None: ...


async def visit(ctx: Context, door: str) -> None:
    done = False
    try:
        await ctx.sleep(timedelta(minutes=10))
        done = True
    finally:
        if done:
            await ctx.run(close, door)


async def ask(ctx: Context, door: str) -> str | None:
    answer = failure = None
    try:
        answer = await ctx.promise(timeout=timedelta(hours=1))
    except Exception as error:
        failure = error
    finally:
        if failure is not None:
            await ctx.run(close, door)
    try:
        await ctx.rpc("tell", answer)
    finally:
        if sys.exc_info()[0] is None:
            await ctx.run(close, door)
    return answer
