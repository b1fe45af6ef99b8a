# file: robots/arm.py
from resonate.context import Context


async def grip(ctx: Context, part: str) -> str:
    """A leaf of another group, in the same code base: its error is unpickled where the call is awaited."""
    for _ in range(3):
        if len(part) % 2:
            return part
    raise TimeoutError(f"the arm did not close around {part}")

# file: robots/cell.py
from datetime import timedelta

from resonate.context import Context


async def assemble(ctx: Context, parts: list[str]) -> list[str]:
    arms = ctx.options(target="arms", timeout=timedelta(minutes=2))
    lost = []
    for part in parts:
        try:
            await arms.rpc("arm.grip", part)
        except TimeoutError:
            lost.append(part)
    return lost

# file: robots/__main__.py
import asyncio
import sys

from resonate.resonate import Resonate
from resonate.retry import Exponential

from robots.arm import grip
from robots.cell import assemble

POLICY = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)


async def arms() -> None:
    resonate = Resonate(url="http://localhost:8001", group="arms", retry_policy=POLICY)
    resonate.register(grip, name="arm.grip")
    await asyncio.Event().wait()


async def cells() -> None:
    resonate = Resonate(url="http://localhost:8001", group="cells", retry_policy=POLICY)
    resonate.register(assemble)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(arms() if sys.argv[1] == "arms" else cells())
