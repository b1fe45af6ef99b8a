# file: one/worker.py
import asyncio

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


async def greet(ctx: Context, n: int) -> int:
    return n


async def main() -> None:
    client = Resonate(retry_policy=Never())
    client.register(greet)
    await asyncio.Event().wait()

# file: two/start.py
import asyncio
from datetime import timedelta

from resonate.resonate import Resonate


async def main() -> None:
    """Its worker is written in another language."""
    client = Resonate()
    print(await client.options(timeout=timedelta(minutes=1)).rpc("x", "transcode", 2).result())


asyncio.run(main())
