# file: noise/names.py
SERVICE = "noise"
FILTER = f"{SERVICE}/filter"
# file: noise/worker.py
import asyncio
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

from noise.names import FILTER, SERVICE


class Filters:
    def __init__(self, strength: int) -> None:
        self.strength = strength

    def soften(self, ctx: Context, samples: list[float]) -> list[float]:
        return [sample / self.strength for sample in samples]

    def sharpen(self, ctx: Context, samples: list[float]) -> list[float]:
        return [sample * self.strength for sample in samples]

    def register(self, client: Resonate) -> Resonate:
        client.register(self.soften, name=FILTER, version=1)
        client.register(self.sharpen, name=SERVICE + "/filter")  # want: RS104
        return client


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    Filters(3).register(Resonate(url=os.environ["RESONATE_URL"], group=SERVICE, retry_policy=policy))
    await asyncio.Event().wait()
