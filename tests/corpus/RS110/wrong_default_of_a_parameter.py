import asyncio
from contextlib import suppress
from datetime import timedelta

from resonate.resonate import Resonate

CLIENTS = {}


async def submit(text: str, client: Resonate = Resonate(group="cli")) -> str:  # want: RS110
    """A default is made once, when the function is defined."""
    counters = client.options(target="counters", timeout=timedelta(minutes=2))
    return await counters.rpc(f"count/{text}", "count", text).id()


with suppress(ValueError):
    CLIENTS["main"] = Resonate(url="http://localhost:8001", group="cli")  # want: RS110


if __name__ == "__main__":
    print(asyncio.run(submit("words", CLIENTS["main"])))
