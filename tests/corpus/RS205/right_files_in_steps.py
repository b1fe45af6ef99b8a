"""Whatever touches the disk is a step; the workflow only hands paths on."""

import asyncio
import shutil
import tempfile
from pathlib import Path

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


def read_lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


async def load(ctx: Context, path: str) -> list[str]:
    return read_lines(Path(path))


async def save(ctx: Context, path: str, lines: list[str]) -> int:
    with tempfile.NamedTemporaryFile("w", delete=False) as scratch:
        scratch.write("\n".join(lines))
    shutil.move(scratch.name, path)
    return len(lines)


async def translate(ctx: Context, line: str) -> str:
    return line[::-1]


async def translate_file(ctx: Context, path: str) -> int:
    lines = await ctx.run(load, path)
    translated = [await ctx.run(translate, line) for line in lines]
    target = Path(path).with_suffix(".out")
    return await ctx.run(save, str(target), translated)


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url="http://localhost:8001", group="files", retry_policy=policy)
    client.register(translate_file)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
