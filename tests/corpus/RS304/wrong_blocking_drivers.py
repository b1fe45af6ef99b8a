"""Two databases, both reached through drivers that know no event loop."""

import sqlite3

import psycopg2
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

DSN = "dbname=seeds"


async def germination(ctx: Context, seed: str) -> int | None:
    connection = psycopg2.connect(DSN)  # want: RS304
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT days FROM seeds WHERE name = %s", (seed,))
        row = cursor.fetchone()
    return row[0] if row else None


async def remember(ctx: Context, seed: str, days: int) -> None:
    with sqlite3.connect("cache.db") as cache:  # want: RS304
        cache.execute("INSERT OR REPLACE INTO days VALUES (?, ?)", (seed, days))


def build(url: str) -> Resonate:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    resonate = Resonate(url=url, group="garden-db", retry_policy=policy, autostart=False)
    resonate.register(germination)
    resonate.register(remember)
    return resonate
