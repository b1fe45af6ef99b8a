"""Measuring: how long a command takes, and figures beside what they are compared with."""

from __future__ import annotations

import operator
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

LINE = "{:45}  {:24}  {:41}  {:20}  {:7}  {}"


def run(*command: str | Path, **environment: str) -> float:
    """Run a command to its end, with more variables in its environment; how long it took, in s."""
    env = {**os.environ, **environment}
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=env)
    if done.returncode:
        sys.exit(f"error: `{' '.join(map(str, command))}` failed:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - started


def peak(*command: str | Path, **environment: str) -> float:
    """The most memory that a command took, in MiB."""
    child = os.posix_spawnp(
        str(command[0]), [str(it) for it in command], {**os.environ, **environment}, file_actions=_SILENT
    )
    _, status, usage = os.wait4(child, 0)
    if status:
        sys.exit(f"error: `{' '.join(map(str, command))}` failed")
    return usage.ru_maxrss / 1024


_SILENT = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
Figures = Sequence[float]


def row(what: str, own: Figures, name: str, other: Figures, digits: int, wanted: str = "", judge: Figures = ()) -> str:
    """A line: our figures, the other's, their ratios, and whether ``judge`` (the ratios) is as wanted.

    Ratios are of what was measured in one round, so that a slow moment weighs on both.
    """
    ratios = [figure / beside for figure, beside in zip(own, other, strict=True)]
    verdict = ""
    if wanted:
        sign, bound = wanted.split()
        holds = {"<": operator.lt, "<=": operator.le, ">=": operator.ge}[sign]
        verdict = "ok" if holds(statistics.median(judge or ratios), float(bound)) else "miss"
    against = f"{name} {_spread(other, digits)}"
    return LINE.format(what, _spread(own, digits), against, _spread(ratios, 2), wanted, verdict).rstrip()


def _spread(figures: Figures, digits: int) -> str:
    median, least, most = (f"{f(figures):,.{digits}f}" for f in (statistics.median, min, max))
    return f"{median} ({least}..{most})"
