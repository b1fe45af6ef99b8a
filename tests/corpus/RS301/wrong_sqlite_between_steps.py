"""Import of meter readings into a file database."""

import asyncio
import sqlite3

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


def parse(ctx: Context, line: str) -> list[str]:
    return line.strip().split(";")


async def import_readings(ctx: Context, lines: list[str]) -> int:
    connection = sqlite3.connect("meters.db")  # want: RS304
    for line in lines:
        meter, value = await ctx.run(parse, line)
        connection.execute("INSERT INTO readings VALUES (?, ?)", (meter, value))  # want: RS301
    connection.commit()  # want: RS301
    return len(lines)


async def main() -> None:
    resonate = Resonate(group="meters", retry_policy=Constant(delay=2, max_retries=4))
    resonate.register(import_readings)
    handle = resonate.run("import/2031-04", import_readings, ["m1;20", "m2;31"])
    print(await handle.result())


asyncio.run(main())
