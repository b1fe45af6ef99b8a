import asyncio
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never

CLIENTS: dict[str, Resonate] = {}


async def step(ctx: Context, n: int) -> int:
    return n


async def work(ctx: Context, n: int) -> int:
    return await ctx.options(timeout=timedelta(minutes=1)).rpc("step", n)


async def main() -> None:
    for name in ("a", "b"):
        CLIENTS[name] = Resonate(group=name, retry_policy=Never())
        CLIENTS[name].register(work)
        CLIENTS[name].register(step)
    print(await CLIENTS["a"].run("p/1", work, 1).result())
    print(await CLIENTS["b"].options(timeout=timedelta(minutes=1)).rpc("p/2", "work", 1).result())


asyncio.run(main())
