"""Figures of lists of runs: the newest page, one far back, and one of a rare status, among 100,000 runs.

python -m tests.bench --only runs

The embedded engine always; resonate-pg where RESONATE_PG_SQL names its schema; and where TEST_RESONATE_SERVER names its
binary a Resonate server, which has no index for such a search.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from resonate_base import PROTOCOL_VERSION

from tests.figures import row
from tests.job_client import ask, connect, request
from tests.postgres import Cluster
from tests.topology import Topology

RUNS = 100_000
ROUNDS = 20
WANTED_MS = 50.0
EVERY = 13
"""Seconds between two runs: they began over the last two weeks."""

RARE = 1000
"""One of so many has failed."""

CONNECTIONS = 8

# Runs in the service's environment, as its commands do.
MEASURE = """
import asyncio, json, sys, time
from datetime import UTC, datetime, timedelta
from {package}.__main__ import SERVICE
from {package}.runtime.engine.run_list import list_runs
from {package}.runtime.engine.run_status import Status
from {package}.runtime.engine.run_tags import tags_of_run
from {package}.runtime.engine.runs import RunQuery

settings = SERVICE.settings()
if sys.argv[1] == "tags":
    now, namespace = int(time.time() * 1000), SERVICE.namespace(settings)
    for number in range(int(sys.argv[2])):
        at = now - number * int(sys.argv[3]) * 1000
        id = "job/%08x" % (number * 2654435761 % 2**32)  # In no order of time.
        print(json.dumps([namespace.engine_id(id), at, tags_of_run(namespace, id, at)]))
    sys.exit()

async def measure(rounds):
    middle = datetime.now(UTC) - timedelta(days=7)
    queries = {{"newest": RunQuery(), "a week back": RunQuery(until=middle), "rare": RunQuery(status=Status.FAILED)}}
    figures = {{name: [] for name in queries}}
    async with SERVICE.engine(settings) as client:
        for _ in range(rounds + 2):
            for name, query in queries.items():
                began = time.perf_counter()
                page = await list_runs(client, query)
                figures[name].append((time.perf_counter() - began) * 1000)
                assert len(page.runs) == 50 and page.next_cursor, name
    print(json.dumps({{name: each[2:] for name, each in figures.items()}}))

asyncio.run(measure(int(sys.argv[2])))
"""


def runs(scratch: Path) -> Iterator[str]:
    """A page of 50 among many runs, on each engine, as the commands and the API read it."""
    from tests.bench_service import PACKAGE, _topology

    needed = {"embedded": None, "resonate-pg": "RESONATE_PG_SQL", "server": "TEST_RESONATE_SERVER"}
    for engine, variable in needed.items():
        if variable and variable not in os.environ:
            yield f"a page of {RUNS:,} runs, {engine}: not run, {variable} is not set"
            continue
        with ExitStack() as stack:
            environment = {}
            if engine == "resonate-pg":
                cluster = stack.enter_context(Cluster.make(scratch / "runs-postgres").running())
                cluster.psql("postgres", Path(os.environ["RESONATE_PG_SQL"]).read_text("utf-8"))
                environment["RESONATE_URL"] = cluster.url()
            topology = stack.enter_context(_topology(scratch, f"runs-{engine}", **environment))
            program = topology.service / "measure_lists.py"
            program.write_text(MEASURE.format(package=PACKAGE))
            made = [json.loads(line) for line in _run(topology, program, "tags", RUNS, EVERY).splitlines()]
            if engine == "resonate-pg":
                _fill_postgres(cluster, made, scratch / "rows.csv")
                assert topology.run("engine", "prepare").returncode == 0
            else:
                _start(topology, engine)
                asyncio.run(_fill(topology.engine_url, made))
            rounds = ROUNDS if engine != "server" else 3
            figures = json.loads(_run(topology, program, "measure", rounds))
        for name, each in figures.items():
            wanted = f"<= {WANTED_MS:g}" if engine != "server" else ""
            yield row(
                f"50 of {RUNS:,} runs, ms, {name}, {engine}", each, "wanted", [WANTED_MS] * len(each), 1, wanted, each
            )


def _start(topology: Topology, engine: str) -> None:
    if engine == "server":
        topology.start_server(Path(os.environ["TEST_RESONATE_SERVER"]))
    else:
        topology.start_engine()
        topology.until(lambda: topology.ask_engine("promise.search", limit=1), "the engine answers")


def _run(topology: Topology, program: Path, *arguments: object) -> str:
    done = subprocess.run(
        [str(topology.python), str(program), *map(str, arguments)],
        cwd=topology.service,
        env={**topology.environment, "PYTHONPATH": str(topology.service)},
        text=True,
        capture_output=True,
    )
    if done.returncode:
        sys.exit(f"error: {program.name} failed:\n{done.stderr}")
    return done.stdout


def _param() -> dict[str, str]:
    return {"data": "eyJmdW5jIjoicHJvY2Vzcy1qb2IiLCJhcmdzIjpbeyJhY2NvdW50X2lkIjoiYWNjLTEifV19"}


async def _fill(engine_url: str, made: list[Any]) -> None:
    """Make the runs on an engine that speaks HTTP; nobody takes them, and some are rejected."""
    head = {"corrId": "fill", "version": PROTOCOL_VERSION}
    left = iter(enumerate(made))

    async def send(connection: Any, kind: str, data: dict[str, Any]) -> None:
        body = json.dumps({"kind": kind, "head": head, "data": data})
        await ask(connection, request("POST", "/", engine_url, ("Content-Type", "application/json"), body=body), 200)

    async def make_some() -> None:
        connection = await connect(engine_url)
        for number, (id, _, tags) in left:
            lineage = {f"resonate:{name}": id for name in ("origin", "branch", "parent")}
            data = {"id": id, "timeoutAt": 1 << 50, "param": _param(), "tags": {**lineage, **tags}}
            await send(connection, "promise.create", data)
            if number % RARE == 0:
                await send(connection, "promise.settle", {"id": id, "state": "rejected", "value": {}})
        connection[1].close()

    await asyncio.gather(*(make_some() for _ in range(CONNECTIONS)))


def _fill_postgres(cluster: Cluster, made: list[Any], rows: Path) -> None:
    with rows.open("w", encoding="utf-8") as file:
        for number, (id, at, tags) in enumerate(made):
            state = "rejected" if number % RARE == 0 else "pending"
            told = json.dumps({"resonate:origin": id, **tags})
            file.write("\t".join([id, state, told, _param()["data"], str(1 << 50), str(at)]) + "\n")
    rows.chmod(0o644)
    columns = "id, state, tags, param_data, timeout_at, created_at"
    cluster.psql(
        "postgres", f"\\copy resonate.promises ({columns}) FROM '{rows}'\nANALYZE resonate.promises", patience=300
    )


if __name__ == "__main__":
    for line in runs(Path(sys.argv[1])):
        print(line)
