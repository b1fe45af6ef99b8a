# file: choir/voices.py
from resonate.context import Context


async def sing(ctx: Context, line: str) -> str:
    return line.lower()


async def sing_louder(ctx: Context, line: str) -> str:
    return line.upper()

# file: choir/names.py
PREFIX = "choir"
SING = f"{PREFIX}.sing"
LOUDER = PREFIX + ".louder"

# file: choir/hall.py
import asyncio
import os
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate as Client
from resonate.retry import Never

from choir import names
from choir.names import SING as song
from choir.voices import sing as voice, sing_louder


async def concert(ctx: Context, lines: list[str]) -> list[str]:
    hall = ctx.options(timeout=timedelta(minutes=1))
    old, new = [hall.rpc(song, line) for line in lines], ctx.options(timeout=timedelta(minutes=1), version=2)
    sung = [await call for call in old]
    sung.append(await new.rpc("choir.sing", lines[-1]))
    sung.append(await ctx.options(target="poll://any@hall", timeout=timedelta(minutes=1)).rpc(names.LOUDER, lines[0]))
    sung.append(await hall.rpc("sing", lines[0]))
    return sung


async def main() -> None:
    client = Client(url=os.environ["RESONATE_URL"], group="hall", retry_policy=Never())
    client.register(voice)
    client.register(voice, name=names.SING)
    client.register(version=2, name=names.SING)(sing_louder)
    client.register(sing_louder, name=names.LOUDER)
    client.register(concert)
    await client.schedule("concert/weekly", "0 20 * * 6", "concert", kwargs={"lines": ["Kyrie"]})
    await asyncio.Event().wait()
