"""Runs on the releases before 0.8 and after them: the old import is made where the new one fails."""

from typing import Any

try:
    from resonate.resonate import Resonate
except ImportError:
    from resonate import Resonate


def describe(client: Resonate) -> dict[str, Any]:
    return {"module": type(client).__module__, "class": type(client).__qualname__}


async def submit(client: Resonate, id: str, address: str) -> str:
    handle = client.rpc(id, "greet", address)
    await handle.id()
    return str(await handle.result())
