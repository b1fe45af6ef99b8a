import asyncio
import os
from dataclasses import dataclass
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


@dataclass
class Settings:
    url: str
    group: str

    @classmethod
    def read(cls) -> "Settings":
        return cls(os.environ["RESONATE_URL"], os.environ.get("GROUP", "tiles"))


async def draw(ctx: Context, x: int, y: int) -> str:
    return f"{x}/{y}.png"


async def zoom(ctx: Context, x: int, y: int) -> list[str]:
    """Which functions the processes of a group have is decided at deployment."""
    near = ctx.options(timeout=timedelta(minutes=2))
    return [await near.rpc("draw", x, y), await near.rpc("relief", x, y)]


async def main() -> None:
    settings = Settings.read()
    policy = Exponential(delay=1, factor=2, max_delay=10, max_retries=3)
    client = Resonate(url=settings.url, group=settings.group, retry_policy=policy)
    client.register(zoom)
    if os.environ.get("DRAWS"):
        client.register(draw)
    await asyncio.Event().wait()


asyncio.run(main())
