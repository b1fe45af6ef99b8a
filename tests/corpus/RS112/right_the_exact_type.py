# file: radio/tuners.py
class Tuner:
    def tune(self, hertz: int) -> str:
        return f"{hertz} Hz"


class QuietTuner(Tuner):
    def tune(self, hertz: int) -> str:
        return f"({hertz} Hz)"


Default = QuietTuner
Quiet = Default

# file: radio/station.py
import asyncio
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never

from radio import tuners
from radio.tuners import Quiet, QuietTuner as Still


def tune(ctx: Context, hertz: int) -> list[str]:
    exact = ctx.get_dependency(tuners.QuietTuner)
    alias = ctx.get_dependency(Quiet)
    other = ctx.get_dependency(Still)
    return [exact.tune(hertz), alias.tune(hertz), other.tune(hertz)]


async def scan(ctx: Context, bands: list[int]) -> list[list[str]]:
    return [await ctx.run(tune, band) for band in bands]


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="radio", retry_policy=Never())
    tuner: tuners.Tuner = tuners.Default()
    client.with_dependency(tuner)
    client.register(scan)
    await asyncio.Event().wait()
