"""The connections are made by hand, but the stream is the SDK's own."""

import asyncio
import uuid

from resonate.connections import HttpConnection, SSEConnection
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential, ExponentialBackoff

URL = "https://resonate.internal"


async def rip(ctx: Context, disc: str) -> int:
    return len(disc)


async def main() -> None:
    pid = uuid.uuid4().hex
    backoff = ExponentialBackoff(initial=0.2, max_delay=5)
    stream = SSEConnection(URL, pid=pid, group="discs", backoff=backoff)
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    network = HttpConnection(URL, backoff=backoff)
    client = Resonate(network=network, sources=[stream], group="discs", pid=pid, retry_policy=policy)  # want: RS310
    client.register(rip)
    await asyncio.Event().wait()


asyncio.run(main())
