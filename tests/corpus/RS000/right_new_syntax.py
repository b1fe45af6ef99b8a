from collections.abc import Callable
from dataclasses import dataclass

from resonate.context import Context

type Reading[T] = dict[str, list[T]]
type Rule = Callable[[float], bool]


@dataclass(frozen=True)
class Limits[T: (int, float)]:
    low: T
    high: T

    def hold(self, value: T, /, *, slack: T | None = None) -> bool:
        return self.low - (slack or 0) <= value <= self.high + (slack or 0)


async def judge(ctx: Context, readings: Reading[float]) -> str:
    limits = Limits(0.5, 9.5)
    bad = {name: outside for name, values in readings.items() if (outside := [v for v in values if not limits.hold(v)])}
    return f"{'; '.join(f"{name}: {", ".join(f'{v:.1f}' for v in values)}" for name, values in bad.items())}"


async def survey(ctx: Context, readings: Reading[float]) -> str:
    try:
        return await ctx.run(judge, readings)
    except* ValueError as group:
        print(f"{group!r:>{40}}")
    return "no verdict"
