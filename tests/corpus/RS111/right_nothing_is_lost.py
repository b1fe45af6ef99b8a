import asyncio
import os
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential, Never

SHORT, LONG = timedelta(seconds=30), timedelta(hours=3)


async def sand(ctx: Context, board: str) -> str:
    return f"smooth {board}"


async def table(ctx: Context, boards: list[str], hurry: bool) -> list[str]:
    calm = ctx.options(timeout=LONG)
    quick = calm.options(timeout=SHORT, retry_policy=Never())
    chosen = quick if hurry else calm
    done = [await chosen.run(sand, board) for board in boards]
    saw = ctx.options(target="sawmill", timeout=SHORT)
    wider = saw.options(target="sawmill", timeout=LONG, version=2)
    done.append(await wider.rpc("sawmill.cut", boards[0]))
    done.append(await ctx.options().options(timeout=SHORT).run(sand, boards[-1]))
    options = {"target": "sawmill", "timeout": LONG}
    done.append(await ctx.options(timeout=SHORT).options(**options).rpc("sawmill.dry", boards[0]))
    return done


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group="carpenters", retry_policy=policy)
    client.register(table)
    await asyncio.Event().wait()
