# file: census/groups.py
COUNTERS = "counters"
REPORTS = "reports"

# file: census/main.py
import asyncio
import os
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant

from census.groups import COUNTERS, REPORTS


class Office:
    """One process of the census office. The reports moved in with the counters; no process is called so any more."""

    def __init__(self) -> None:
        self.client = Resonate(
            url=os.environ["RESONATE_URL"], group=COUNTERS, retry_policy=Constant(delay=10, max_retries=6)
        )
        self.client.register(self.count, name="count")
        self.client.register(self.report, name="report")

    async def count(self, ctx: Context, district: int) -> int:
        return district * 100

    async def report(self, ctx: Context, districts: list[int]) -> int:
        counts = [ctx.options(timeout=timedelta(hours=1)).rpc("count", district) for district in districts]
        return sum([await count for count in counts])

    async def plan(self) -> None:
        reports = self.client.options(target=REPORTS, timeout=timedelta(hours=2))
        await reports.schedule("census-monthly", "0 4 1 * *", "report", ([1, 2, 3],))  # want: RS102


async def main() -> None:
    await Office().plan()
    await asyncio.Event().wait()
