"""The pool of asyncpg is asked for in a step; the worker was given its settings only."""

import asyncio
import os
from dataclasses import dataclass

import asyncpg
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


@dataclass
class Settings:
    dsn: str


async def count(ctx: Context, table: str) -> int:
    pool = ctx.get_dependency(asyncpg.Pool)  # want: RS115
    return await pool.fetchval("SELECT count(*) FROM rows WHERE name = $1", table)


async def report(ctx: Context, tables: list[str]) -> dict[str, int]:
    return {table: await ctx.run(count, table) for table in tables}


async def main() -> None:
    client = Resonate(group="reports", retry_policy=Constant(delay=1, max_retries=3))
    client.with_dependency(Settings(os.environ["DSN"]))
    client.register(report)
    print(await client.run("report/today", report, ["a", "b"]).result())


asyncio.run(main())
