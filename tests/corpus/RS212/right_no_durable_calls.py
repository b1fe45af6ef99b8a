import asyncio

import httpx
from resonate.context import Context
from resonate.resonate import Resonate


async def look_up(client: httpx.AsyncClient, name: str) -> int:
    first = await client.get(f"https://example.com/{name}")
    second = await client.get(f"https://example.com/{name}/again")
    return first.status_code + second.status_code


async def ask_all(ctx: Context, names: list[str]) -> list[int]:
    """A leaf: nothing in it is numbered."""
    async with httpx.AsyncClient() as client:
        return list(await asyncio.gather(*[look_up(client, it) for it in names]))


async def start(resonate: Resonate, number: int) -> int:
    handle = resonate.options(target="workers").rpc(f"job/{number}", "job", number)
    await handle.id()
    return await handle.result()


async def start_all(resonate: Resonate, numbers: list[int]) -> list[int]:
    """Not in a workflow: each has an id of its own."""
    return list(await asyncio.gather(*[start(resonate, it) for it in numbers]))


async def job(ctx: Context, names: list[str]) -> list[int]:
    return await ctx.run(ask_all, names)
