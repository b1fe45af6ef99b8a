# file: base/client.py
from typing import Self

from resonate.resonate import Resonate
from resonate.retry import Never


class Client:
    """The company's own wrapper, with constructors by name and a store that is its own."""

    def __init__(self, inner: Resonate, store: dict[str, str] | None = None) -> None:
        self.inner = inner
        self.store = store or {}

    @classmethod
    def remote(cls, host: str, group: str) -> Self:
        return cls(Resonate(url=host, group=group, retry_policy=Never()))

    def begin_rpc(self, id: str, name: str, *args: str) -> str:
        self.store[id] = name
        return ",".join((id, name, *args))
# file: base/main.py
import asyncio

from resonate.context import Context

from base.client import Client


async def log(ctx: Context, line: str) -> None:
    print(line)


async def main() -> None:
    client = Client.remote("http://localhost:8001", "logs")
    client.inner.register(log)
    print(client.begin_rpc("log/1", "log", "hello"))
    await asyncio.Event().wait()


asyncio.run(main())
