# file: depot/worker.py
import asyncio
import os

from resonate.resonate import Resonate
from resonate.retry import Constant

from depot import functions


async def serve() -> None:
    resonate = Resonate(  # want: RS310
        url=os.environ.get("RESONATE_URL", "http://localhost:8001"),
        token=os.environ.get("RESONATE_TOKEN"),
        group="depot",
        retry_policy=Constant(delay=5, max_retries=20),
    )
    functions.register(resonate)
    try:
        await asyncio.Event().wait()
    finally:
        await resonate.stop()


asyncio.run(serve())

# file: depot/functions.py
from resonate.context import Context
from resonate.resonate import Resonate


async def load(ctx: Context, pallet: str) -> str:
    return pallet


def register(resonate: Resonate) -> None:
    resonate.register(load, name="depot.load")
