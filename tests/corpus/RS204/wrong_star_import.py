# file: portal/common.py
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def is_frozen() -> bool:
    return "FREEZE" in os.environ  # want: RS204


def notice(name: str) -> str:
    with (ROOT / "notices" / name).with_suffix(".txt").open() as file:  # want: RS205
        return file.read()
# file: portal/flow.py
from portal.common import *
from resonate.context import Context
from resonate.resonate import Resonate


async def show(ctx: Context, page: str, text: str) -> str:
    return f"{page}: {text}"


async def publish(ctx: Context, pages: list[str]) -> list[str]:
    if is_frozen():
        return []
    return [await ctx.run(show, page, notice(page)) for page in pages]


def install(client: Resonate) -> None:
    client.register(publish, name="portal.publish")
