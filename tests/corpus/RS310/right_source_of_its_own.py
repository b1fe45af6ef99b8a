"""An url for requests, and a source that the project wrote; and a client whose connections come from elsewhere."""

import asyncio
from collections.abc import Callable, Sequence

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential
from resonate_base.connections import Network, Source

POLICY = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)


class Bus:
    """Work arrives over the message bus of the plant."""

    def __init__(self, group: str) -> None:
        self.group = group
        self.receivers: list[Callable[[str], None]] = []

    async def start(self) -> None:
        print("listening for", self.group)

    async def stop(self) -> None:
        self.receivers.clear()

    def recv(self, callback: Callable[[str], None]) -> None:
        self.receivers.append(callback)

    def unicast(self) -> str:
        return f"bus://{self.group}/1"

    def resolve_target(self, target: str) -> str:
        return f"bus://{target}"


async def weld(ctx: Context, seam: str) -> str:
    return seam


def make(network: Network, sources: Sequence[Source]) -> Resonate:
    return Resonate(network=network, sources=sources, group="welders", retry_policy=POLICY, autostart=False)


async def main() -> None:
    resonate = Resonate(url="http://localhost:8001", sources=[Bus("welders")], group="welders", retry_policy=POLICY)
    resonate.register(weld)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
