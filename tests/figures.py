"""Measuring: how long a command takes, and figures beside what they are compared with."""

from __future__ import annotations

import operator
import os
import re
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


_PEAK = """
import atexit, pathlib, runpy, sys
atexit.register(lambda: print(pathlib.Path("/proc/self/status").read_text(), file=sys.stderr))
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


def peak(module: str, *arguments: str | Path, **environment: str) -> float:
    """The most memory that a module of Python took when it was run, in MiB, as Linux counts it."""
    command = (sys.executable, "-P", "-c", _PEAK, module, *arguments)
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
    most = re.search(r"^VmHWM:\s+(\d+) kB", done.stderr, re.MULTILINE)
    if done.returncode or most is None:
        sys.exit(f"error: `{' '.join(map(str, command))}` failed:\n{done.stderr}")
    return int(most[1]) / 1024


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
