"""Blocking work in steps, each in a thread: named, in an executor, and as a nested function."""

import asyncio
import subprocess
import time
from functools import partial

import psycopg2
import requests
from resonate.context import Context
from resonate.resonate import Resonate


async def fetch(ctx: Context, url: str) -> int:
    answer = await asyncio.to_thread(requests.get, url, timeout=10)
    return answer.status_code


async def calibrate(ctx: Context) -> None:
    await asyncio.get_running_loop().run_in_executor(None, time.sleep, 3)
    await asyncio.to_thread(partial(subprocess.run, ["calibrate"], check=True))


async def count(ctx: Context, table: str) -> int:
    def query() -> int:
        connection = psycopg2.connect("dbname=lab")
        time.sleep(0.1)
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM samples WHERE kind = %s", (table,))
            return cursor.fetchone()[0]

    return await asyncio.to_thread(query)


async def survey(ctx: Context, url: str) -> int:
    await ctx.run(calibrate)
    return await ctx.run(fetch, url) + await ctx.run(count, "dust")


def register(resonate: Resonate) -> None:
    resonate.register(survey)
