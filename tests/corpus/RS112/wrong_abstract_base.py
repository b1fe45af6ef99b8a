# file: files/storage.py
from abc import ABC, abstractmethod


class Storage(ABC):
    @abstractmethod
    async def put(self, name: str, data: bytes) -> str: ...


class Disk(Storage):
    def __init__(self, folder: str) -> None:
        self.folder = folder

    async def put(self, name: str, data: bytes) -> str:
        return f"{self.folder}/{name}/{len(data)}"

# file: files/worker.py
import asyncio
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

from files.storage import Disk, Storage


async def keep(ctx: Context, name: str, text: str) -> str:
    storage = ctx.get_dependency(Storage)  # want: RS112
    return await storage.put(name, text.encode())


async def archive(ctx: Context, pages: dict[str, str]) -> list[str]:
    return [await ctx.run(keep, name, text) for name, text in pages.items()]


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group="files", retry_policy=policy)
    client.with_dependency(Disk("/srv/files"))
    client.register(archive)
    await asyncio.Event().wait()
