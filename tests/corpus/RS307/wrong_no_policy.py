"""A worker with all defaults."""

import asyncio

from resonate.context import Context
from resonate.resonate import Resonate


async def resize(ctx: Context, key: str, width: int) -> str:
    if width < 1:
        raise ValueError("width must be positive")
    return f"{key}@{width}"


async def main() -> None:
    resonate = Resonate(url="http://localhost:8001", group="images")  # want: RS307
    resonate.register(resize)
    await asyncio.Event().wait()


asyncio.run(main())
