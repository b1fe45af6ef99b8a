# file: alarms/errors.py
from resonate.errors import ResonateError, ResonateStoreError  # want: RS501

CONFLICT = 100.40901


def is_conflict(error: ResonateError) -> bool:
    return isinstance(error, ResonateStoreError) and error.code == CONFLICT
# file: alarms/worker.py
import asyncio

import resonate.message_sources as sources  # want: RS501
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry_policies import Exponential  # want: RS501


async def ring(ctx: Context, bell: str) -> str:
    return f"{bell} rings"


async def main() -> None:
    client = Resonate(url="http://localhost:8001", group="alarms", retry_policy=Exponential(delay=1, max_retries=3))
    client.register(ring)
    print(sources.__name__)
    await asyncio.Event().wait()


asyncio.run(main())
