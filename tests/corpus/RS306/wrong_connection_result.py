"""Steps that open something for the steps after them, and one that computes with complex numbers."""

import aiohttp
import asyncpg
from resonate.context import Context
from resonate.resonate import Resonate


async def connect(ctx: Context, dsn: str) -> asyncpg.Connection:
    return await asyncpg.connect(dsn)  # want: RS306


async def browser(ctx: Context) -> aiohttp.ClientSession:
    return aiohttp.ClientSession()  # want: RS306


async def impedance(ctx: Context, ohms: float, reactance: float) -> complex:
    return complex(ohms, reactance)  # want: RS306


async def load(ctx: Context, dsn: str, url: str) -> str:
    connection = await ctx.run(connect, dsn)
    session = await ctx.run(browser)
    z = await ctx.run(impedance, 50.0, 2.5)
    return f"{connection} {session} {z} {url}"


def register(resonate: Resonate) -> None:
    resonate.register(load)
