from collections.abc import Iterable
from datetime import timedelta

from resonate.resonate import Resonate


class Votes:
    """Starts one count for each district, and adds them up."""

    def __init__(self, client: Resonate) -> None:
        self._counts = client.options(target="counting", timeout=timedelta(hours=8))

    async def total(self, districts: Iterable[str]) -> int:
        handles = [self._counts.rpc(f"count/{district}", "count", district) for district in districts]
        votes = 0
        for handle in handles:
            votes += handle.result()  # want: RS505
        return votes

    async def first(self, district: str) -> str:
        handle = self._counts.rpc(f"recount/{district}", "count", district)
        count = await handle.result()
        return f"{handle.promise_id}: {count}"  # want: RS505
