"""Helpers that make a call and hand it to their caller, who awaits it."""

from collections.abc import Awaitable
from datetime import timedelta

from resonate.context import Context, ResonateFuture
from resonate.resonate import Resonate


async def measure(ctx: Context, probe: str) -> float:
    return float(len(probe))


def begin(ctx: Context, probe: str) -> ResonateFuture[float]:
    patient = ctx.options(timeout=timedelta(minutes=1))
    return patient.run(measure, probe)


async def average(calls: list[Awaitable[float]]) -> float:
    return sum([await call for call in calls]) / len(calls)


async def survey(ctx: Context, probes: list[str], thorough: bool) -> float:
    checked = ctx.run(measure, "control") if thorough else None
    mean = await average([begin(ctx, probe) for probe in probes])
    if checked is not None:
        mean -= await checked
    return mean


def register(resonate: Resonate) -> None:
    resonate.register(survey)
