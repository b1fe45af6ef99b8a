"""A leaf may read the clock; and not everything that is called `now` or `time` is a clock."""

import time
from dataclasses import dataclass
from datetime import datetime, timezone

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


@dataclass
class Timetable:
    slots: dict[str, str]

    def now(self, station: str) -> str:
        return self.slots[station]

    def time(self, minutes: int) -> str:
        return f"{minutes // 60:02d}:{minutes % 60:02d}"


def age_of(stamp: float) -> float:
    return time.time() - stamp


async def measure(ctx: Context, station: str) -> dict[str, object]:
    """Makes no durable call: whatever it returns is recorded as a whole."""
    return {"station": station, "at": datetime.now(timezone.utc).isoformat(), "age": age_of(0.0)}


async def board(ctx: Context, station: str, minutes: int) -> str:
    timetable = Timetable({station: "platform 4"})
    measured = await ctx.run(measure, station)
    return f"{timetable.now(station)} {timetable.time(minutes)} {measured['at']}"


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="rail", retry_policy=Constant(delay=1, max_retries=3))
    client.register(measure, name="rail.measure")
    client.register(board, name="rail.board")
    return client
