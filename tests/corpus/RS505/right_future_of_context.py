"""Futures of a context: `id` is called and awaited; a handle is kept under names of all sorts."""

import asyncio
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def post(ctx: Context, gate: str, letter: str) -> None:
    print(letter, "answers go to", gate)


async def survey(ctx: Context, letter: str) -> str:
    answer = ctx.promise(timeout=timedelta(hours=20))
    await ctx.run(post, await answer.id(), letter)
    return str(await answer)


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url="http://localhost:8001", group="surveys", retry_policy=policy)
    client.register(survey)
    runs = {name: client.run(f"survey/{name}", survey, name) for name in ("ann", "bob")}
    for name, run in runs.items():
        print(name, await run.id(), "done" if run.done() else "waits")
    print({name: await run.result() for name, run in runs.items()})


asyncio.run(main())
