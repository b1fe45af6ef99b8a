"""A duration that is added up, compared and formatted on its way to a log; and conversions that read no clock."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from resonate.context import Context
from resonate.resonate import Resonate


@contextmanager
def timed(logger: logging.Logger, what: str) -> Iterator[None]:
    begun = time.monotonic()
    yield
    logger.info("%s took %.3f s", what, round(time.monotonic() - begun, 3))


class Importer:
    def __init__(self, logger: logging.Logger) -> None:
        self.logger = logger.getChild("import")

    async def load(self, ctx: Context, part: str) -> int:
        return len(part)

    async def load_all(self, ctx: Context, parts: list[str], exported: float) -> dict[str, int]:
        busy = 0.0
        rows = 0
        for part in parts:
            begun = time.perf_counter()
            with timed(self.logger, part):
                rows += await ctx.run(self.load, part)
            busy += time.perf_counter() - begun
        if busy > 60:
            self.logger.warning("slow: %.1f s at %s", busy, time.strftime("%H:%M", time.localtime()))
        day = time.strftime("%Y%m%d", time.gmtime(exported))
        return {day: rows, "year": datetime.fromtimestamp(exported).year}

    def install(self, client: Resonate) -> None:
        client.register(self.load_all, name="import.load")
