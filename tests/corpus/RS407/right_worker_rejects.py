import asyncio
from dataclasses import dataclass
from typing import Any

from resonate.resonate import Resonate
from resonate.types import Value


@dataclass
class Probe:
    name: str
    healthy: bool
    error: str


class Watchdog:
    """Fails what waits for a device that is gone: no request is near."""

    def __init__(self, resonate: Resonate, probes: "asyncio.Queue[Probe]") -> None:
        self.resonate = resonate
        self.probes = probes

    async def watch(self) -> None:
        while True:
            probe = await self.probes.get()
            if not probe.healthy:
                data: dict[str, Any] = {"message": probe.error}
                await self.resonate.promises.reject(f"device/{probe.name}", Value(data=data))
