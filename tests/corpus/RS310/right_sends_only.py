"""Clients that serve nothing: one without sources, one that only waits for the answer of a call."""

import asyncio
import sys

from resonate.resonate import Resonate


async def submit(url: str, number: int) -> str:
    resonate = Resonate(url=url, group="cli", sources=[])
    handle = resonate.options(target="sums").rpc(f"sum/{number}", "sums.add", number)
    return await handle.id()


async def main(number: int) -> None:
    print(await submit("http://localhost:8001", number))
    resonate = Resonate(url="http://localhost:8001", group="cli")
    handle = await resonate.get(f"sum/{number}")
    print(await asyncio.wait_for(handle.result(), 60))
    await resonate.stop()


asyncio.run(main(int(sys.argv[1])))
