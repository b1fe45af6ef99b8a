"""What was measured, as a table and as JSON, with the ratios that are wanted. Nothing here measures."""

from __future__ import annotations

import operator
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Figures:
    """Of one contender, a figure each round."""

    jobs_per_second: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)


Measured = Mapping[str, Figures]
"""By the contender's name."""


@dataclass(frozen=True)
class Wanted:
    """A bound on how many times a contender's figure is that of another."""

    contender: str
    other: str
    figure: Callable[[Figures], list[float]]
    unit: str
    sign: str
    bound: float

    def ratios(self, measured: Measured) -> list[float]:
        """The ratio of each round; none where either was not measured."""
        if self.contender not in measured or self.other not in measured:
            return []
        both = zip(self.figure(measured[self.contender]), self.figure(measured[self.other]), strict=True)
        return [own / other for own, other in both]

    def is_met(self, ratios: Sequence[float]) -> bool:
        """Whether the median is as wanted."""
        holds = {">": operator.gt, ">=": operator.ge, "<=": operator.le}[self.sign]
        return bool(holds(statistics.median(ratios), self.bound))


def _rate(figures: Figures) -> list[float]:
    return figures.jobs_per_second


def _latency(figures: Figures) -> list[float]:
    return figures.p50_ms


BEFORE = "-before"
"""Ends the name of a contender that another checkout's tool made."""

WANTED = (
    Wanted("embedded-sqlite", "restate", _rate, "jobs/s", ">", 1.0),
    Wanted("embedded-sqlite", "restate", _latency, "latency", "<=", 1.0),
    Wanted("resonate-pg", "dbos", _rate, "jobs/s", ">=", 2.0),
    Wanted("resonate-pg", "dbos", _latency, "latency", "<=", 1.0),
    Wanted("server-sqlite", f"server-sqlite{BEFORE}", _rate, "jobs/s", ">=", 1.6),
    Wanted("server-postgres", f"server-postgres{BEFORE}", _rate, "jobs/s", ">=", 1.6),
)


def rotated(names: Sequence[str], number: int) -> list[str]:
    """The order of a round: each begins with another one."""
    start = number % len(names)
    return [*names[start:], *names[:start]]


def markdown(titles: Mapping[str, str], measured: Measured, not_run: Mapping[str, str], in_flight: int) -> str:
    """The table, the fastest first, what was not run and why, and the ratios."""
    lines = [f"| | {in_flight} in flight, jobs/s | one at a time, p50 |", "|---|---|---|"]
    for name in sorted(measured, key=lambda name: -statistics.median(measured[name].jobs_per_second)):
        figures = measured[name]
        lines.append(f"| {titles[name]} | {_spread(_rate(figures), 0)} | {_spread(_latency(figures), 1)} ms |")
    lines += [f"| {titles[name]} | not run: {why} | |" for name, why in not_run.items()]
    rows = []
    for wanted in WANTED:
        if ratios := wanted.ratios(measured):
            what = f"{titles[wanted.contender]} / {titles[wanted.other]}, {wanted.unit}"
            verdict = "met" if wanted.is_met(ratios) else "missed"
            rows.append(f"| {what} | {_spread(ratios, 2)} | {wanted.sign} {wanted.bound:g} | {verdict} |")
    if rows:
        lines += ["", "| ratio | | wanted | |", "|---|---|---|---|", *rows]
    return "\n".join(lines)


def as_json(measured: Measured, not_run: Mapping[str, str], about: Mapping[str, Any]) -> dict[str, Any]:
    """The same with each round's figures; ``about`` says how it was measured."""
    ratios = [
        {
            "contender": wanted.contender,
            "other": wanted.other,
            "figure": wanted.unit,
            "rounds": each,
            "wanted": f"{wanted.sign} {wanted.bound:g}",
            "met": wanted.is_met(each),
        }
        for wanted in WANTED
        if (each := wanted.ratios(measured))
    ]
    figures = {name: vars(of_one) for name, of_one in measured.items()}
    return {"about": dict(about), "figures": figures, "ratios": ratios, "not_run": dict(not_run)}


def _spread(figures: Sequence[float], digits: int) -> str:
    median, least, most = (f"{f(figures):,.{digits}f}" for f in (statistics.median, min, max))
    return f"{median} ({least}..{most})"
