"""Jobs a second and the time of one, ours beside DBOS and Restate, in one run.

    nox -s bench-peers [-- --rounds N --jobs N --only NAME --against DIR --json FILE]

In each round each contender is started on empty databases, warmed up, given so many jobs, 16 at a time, then some one
at a time, and its rows are counted; the next round begins with another one. The table is printed as Markdown. It needs
a network, npm, Linux or macOS, RESONATE_PG_SQL for resonate-pg (the file `resonate.sql` of
https://github.com/resonatehq/resonate-pg), and RESONATE_SERVER for the Resonate server (its binary).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.job_client import run_jobs
from tests.peers import table
from tests.peers.contenders import Bench, Contender, contenders
from tests.peers.processes import Postgres, Processes

IN_FLIGHT, WARM_UP_JOBS, SINGLE_JOBS = 16, 32, 30


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="nox -s bench-peers --", description="Ours beside DBOS and Restate.")
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument("--jobs", type=int, default=150, help=f"jobs a round with {IN_FLIGHT} in flight; default: 150")
    parser.add_argument("--only", action="append", metavar="NAME", help="measure this one; may be repeated")
    parser.add_argument("--against", type=Path, metavar="DIR", help="another checkout: its services are rows `before`")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--environment", type=Path, metavar="DIR", help="keep the peers' packages there")
    asked = parser.parse_args()
    before = asked.against.resolve() if asked.against else None
    there, titles, not_run = contenders(_file("RESONATE_SERVER"), _file("RESONATE_PG_SQL"), before)
    if asked.only:
        if unknown := set(asked.only) - titles.keys():
            parser.error(f"no {', '.join(sorted(unknown))} here; there are {', '.join(titles)}")
        there = {name: there[name] for name in asked.only if name in there}
        not_run = {name: not_run[name] for name in asked.only if name in not_run}

    signal.signal(signal.SIGTERM, lambda *_: sys.exit("error: ended by SIGTERM"))  # so that no process is left
    begun, load = time.time(), psutil.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="bench-peers-") as scratch:
        directory = Path(scratch)
        directory.chmod(0o755)  # PostgreSQL, started by root, runs as another user.
        with Postgres(directory / "postgres" / "data") as postgres:
            bench = Bench(directory, postgres, (asked.environment or directory / "peers").resolve())
            measured = _measure(bench, there, asked.rounds, asked.jobs)
    minutes = (time.time() - begun) / 60
    about = {
        "date": time.strftime("%Y-%m-%d", time.gmtime(begun)),
        "rounds": asked.rounds,
        "jobs": asked.jobs,
        "in_flight": IN_FLIGHT,
        "cpus": os.cpu_count(),
        "load_at_start": round(load, 1),
        "minutes": round(minutes, 1),
    }
    print(table.markdown(titles, measured, not_run, IN_FLIGHT))
    print(f"\n{', '.join(f'{name.replace("_", " ")}: {value}' for name, value in about.items())}")
    if asked.json:
        asked.json.write_text(json.dumps(table.as_json(measured, not_run, about), indent=2) + "\n", "utf-8")


def _file(variable: str) -> Path | None:
    """The file that a variable of the environment names."""
    return Path(named).resolve() if (named := os.environ.get(variable)) else None


def _measure(bench: Bench, there: dict[str, Contender], rounds: int, jobs: int) -> dict[str, table.Figures]:
    for name, contender in there.items():
        _say(f"installing {name}")
        contender.prepare(bench)
    measured = {name: table.Figures() for name in there}
    for number in range(rounds):
        for name in table.rotated(list(there), number):
            figures = measured[name]
            with Processes(bench.directory / f"round-{number}" / name) as processes:
                url = there[name].start(bench, processes)
                _one_round(url, jobs, figures)
                count = WARM_UP_JOBS + jobs + SINGLE_JOBS
                if (rows := there[name].rows(bench, processes)) != f"{count}|{count}":
                    sys.exit(f"error: {name} has rows|jobs {rows} after {count} jobs")
            _say(f"round {number + 1}, {name}: {figures.jobs_per_second[-1]:.0f} jobs/s, {figures.p50_ms[-1]:.1f} ms")
    return measured


def _one_round(url: str, jobs: int, figures: table.Figures) -> None:
    asyncio.run(run_jobs(url, WARM_UP_JOBS, IN_FLIGHT))
    begun = time.perf_counter()
    ends, _ = asyncio.run(run_jobs(url, jobs, IN_FLIGHT))
    figures.jobs_per_second.append(jobs / (ends[-1] - begun))
    _, taken = asyncio.run(run_jobs(url, SINGLE_JOBS, 1))
    figures.p50_ms.append(statistics.median(taken) * 1000)


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
