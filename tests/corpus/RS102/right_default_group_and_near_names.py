# file: bank/worker.py
import asyncio
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

BOUNDED = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)


async def transfer(ctx: Context, source: str, to: str, cents: int) -> int:
    return cents


async def statement(ctx: Context, account: str) -> list[int]:
    return [len(account)]


async def plain() -> None:
    """No group is named: it joins `default`."""
    client = Resonate(url=os.environ["RESONATE_URL"], retry_policy=BOUNDED)
    client.register(transfer)
    await asyncio.Event().wait()


async def readers(group="reader") -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group=group, retry_policy=BOUNDED)
    client.register(statement)
    await asyncio.Event().wait()

# file: bank/heavy.py
import asyncio
import os

from resonate.resonate import Resonate

from bank.worker import BOUNDED, statement


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="readers", retry_policy=BOUNDED)
    client.register(statement, name="statement")
    await asyncio.Event().wait()

# file: bank/cli.py
import os
from datetime import timedelta

from resonate.resonate import Resonate


async def send(source: str, to: str, cents: int) -> int:
    client = Resonate(url=os.environ["RESONATE_URL"], group="cli")
    try:
        default = client.options(target="default", timeout=timedelta(hours=1))
        moved = await default.rpc(f"transfer/{source}/{to}", "transfer", source, to, cents).result()
        for group in ("reader", "readers"):
            reading = client.options(target=group, timeout=timedelta(minutes=5))
            print(await reading.rpc(f"statement/{group}/{to}", "statement", to).result())
        return moved
    finally:
        await client.stop()
