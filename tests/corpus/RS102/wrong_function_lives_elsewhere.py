import os
from datetime import timedelta

from resonate.connections import HttpConnection, SSEConnection
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Linear

URL = os.environ.get("RESONATE_URL", "http://localhost:8001")
TARGET = "poll://any@warehouse"


async def count_shelf(ctx: Context, shelf: str) -> int:
    return len(shelf)


async def stocktake(ctx: Context, shelves: list[str]) -> dict[str, int]:
    remote = ctx.options(target=TARGET, timeout=timedelta(minutes=20))
    return {shelf: await remote.rpc("count_shelf", shelf) for shelf in shelves}  # want: RS102


async def scanners() -> Resonate:
    network, source = HttpConnection(URL), SSEConnection(URL, pid="scanner-1", group="scanners")
    client = Resonate(network=network, sources=[source], pid="scanner-1", group="scanners", retry_policy=RETRIES)
    client.register(count_shelf)
    return client


async def office() -> Resonate:
    client = Resonate(url=URL, group="office", retry_policy=RETRIES)
    client.register(stocktake)
    return client


RETRIES = Linear(delay=3, max_retries=8)
