"""Ids that are computed from what the workflow was given, or read from a string, are the same in every run."""

import asyncio
import uuid

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

NAMESPACE = uuid.UUID("6f1a4c4e-0d0d-4c55-9f5e-0f5f3a7a2b11")


async def store(ctx: Context, key: str, line: str) -> None:
    print(key, line)


async def import_lines(ctx: Context, source: str, lines: list[str]) -> list[str]:
    root = uuid.uuid5(NAMESPACE, source)
    legacy = uuid.uuid3(uuid.NAMESPACE_URL, source)
    keys = [str(uuid.uuid5(root, str(number))) for number, _ in enumerate(lines)]
    for key, line in zip(keys, lines, strict=True):
        await ctx.run(store, key, line)
    await ctx.run(store, str(uuid.UUID(int=legacy.int ^ len(lines))), "end")
    return keys


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url="http://localhost:8001", group="imports", retry_policy=policy)
    client.register(import_lines)
    run_id = f"import/{uuid.uuid4()}"
    print(await client.run(run_id, import_lines, "prices.csv", ["a;1", "b;2"]).result())


asyncio.run(main())
