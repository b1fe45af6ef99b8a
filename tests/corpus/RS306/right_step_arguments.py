"""Arguments of a step stay in the process: anything may be passed."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import aiohttp
from resonate.context import Context
from resonate.resonate import Resonate


class Shop:
    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session
        self.lock = asyncio.Lock()


async def select(ctx: Context, rows: Iterable[int], keep: Callable[[int], bool]) -> list[int]:
    return [row for row in rows if keep(row)]


async def push(ctx: Context, session: aiohttp.ClientSession, lock: asyncio.Lock, rows: list[int], note: Any) -> int:
    async with lock:
        await session.post("https://shop.internal/rows", json={"rows": rows, "note": str(note)})
    return len(rows)


async def sync_rows(ctx: Context, limit: int) -> int:
    shop = ctx.get_dependency(Shop)
    kept = await ctx.run(select, (n * n for n in range(limit)), keep=lambda row: row % 2 == 0)
    problem = ValueError("none kept") if not kept else None
    return await ctx.run(push, shop.session, shop.lock, kept, note=problem)


def register(resonate: Resonate) -> None:
    resonate.register(sync_rows)
