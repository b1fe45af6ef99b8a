"""A pool that the worker owns; the workflow passes it on, a step uses it."""

import asyncio
from concurrent.futures import ProcessPoolExecutor

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


def simulate(seed: int) -> float:
    return (seed * 7919 % 1000) / 1000


async def simulate_many(ctx: Context, pool: ProcessPoolExecutor, seeds: list[int]) -> list[float]:
    loop = asyncio.get_running_loop()
    return await asyncio.gather(*(loop.run_in_executor(pool, simulate, seed) for seed in seeds))


async def study(ctx: Context, rounds: int) -> float:
    pool = ctx.get_dependency(ProcessPoolExecutor)
    best = 0.0
    for number in range(rounds):
        best = max(best, *await ctx.run(simulate_many, pool, list(range(number, number + 8))))
    return best


async def main() -> None:
    with ProcessPoolExecutor() as pool:
        client = Resonate(url="http://localhost:8001", group="studies", retry_policy=Constant(delay=1, max_retries=3))
        client.with_dependency(pool)
        client.register(study)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
