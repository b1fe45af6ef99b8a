"""Looks a run up by its id, and shows how it went."""

import asyncio
from argparse import ArgumentParser

from resonate.handle import ResonateHandle
from resonate.resonate import Resonate


def show(handle: ResonateHandle[dict[str, int]]) -> None:
    outcome = handle.result()  # want: RS505
    for name, value in outcome.items():
        print(name, value)


async def main() -> None:
    parser = ArgumentParser()
    parser.add_argument("id")
    parser.add_argument("--url", default="http://localhost:8001")
    asked = parser.parse_args()
    client = Resonate(url=asked.url, group="console")
    handle = await client.get(asked.id)
    print(f"run {handle.id}")  # want: RS505
    show(handle)
    await client.stop()


asyncio.run(main())
