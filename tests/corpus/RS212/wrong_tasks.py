import asyncio

import anyio
from resonate.context import Context


async def measure(ctx: Context, sensor: str) -> float:
    return float(len(sensor))


async def keep(ctx: Context, value: float) -> None: ...


async def sample(ctx: Context, sensor: str) -> None:
    value = await ctx.run(measure, sensor)
    await ctx.run(keep, value)


async def round_of(ctx: Context, sensors: list[str]) -> None:
    tasks = []
    for sensor in sensors:
        tasks.append(asyncio.create_task(sample(ctx, sensor)))  # want: RS212
    await asyncio.gather(*tasks)


async def pair(ctx: Context, one: str, other: str) -> None:
    first = asyncio.create_task(sample(ctx, one))  # want: RS212
    second = asyncio.ensure_future(sample(ctx, other))
    await first
    await second


async def grouped(ctx: Context, sensors: list[str]) -> None:
    async with asyncio.TaskGroup() as group:  # want: RS208
        for sensor in sensors:
            group.create_task(sample(ctx, sensor))  # want: RS212


async def in_a_task_group(ctx: Context, one: str, other: str) -> None:
    async with anyio.create_task_group() as group:  # want: RS208
        group.start_soon(sample, ctx, one)  # want: RS212
        group.start_soon(sample, ctx, other)


async def as_they_come(ctx: Context, sensors: list[str]) -> None:
    for done in asyncio.as_completed([sample(ctx, it) for it in sensors]):  # want: RS208, RS212
        await done
