# file: meter/jsonrpc.py
from dataclasses import dataclass


@dataclass(frozen=True)
class Rpc:
    """A method of the meters' own JSON-RPC: nothing durable."""

    name: str
    group: str
    request: type
    result: type

# file: meter/methods.py
from meter.jsonrpc import Rpc

read = Rpc(name="meter.read", group="meters", request=str, result=float)
reset = Rpc(name="meter.reset", group="meters", request=str, result=bool)

# file: meter/worker.py
import asyncio
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

from meter.methods import read

GROUP = "meters"
SERVED = [read.name]


async def poll_meter(ctx: Context, meter: str) -> float:
    return float(len(meter))


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group=GROUP, retry_policy=policy)
    for name in SERVED:
        client.register(poll_meter, name=name)
    await asyncio.Event().wait()
