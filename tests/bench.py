"""Figures of the tool, and of a service that it makes, as ratios within one run.

    python -m tests.bench [--only version|new|add|post|jobs]...

Everything is measured beside what it is compared with, by turns, on the machine as it is at that moment: the
ratios mean something, the absolute figures only here and now. Medians, with the least and the most in brackets.
The exit status is 0 unless something broke. It needs a network, to install the service and cookiecutter.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import itertools
import json
import operator
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from resonate_scaffold import templates
from tests.conftest import PROGRAM, tree
from tests.topology import Topology

NAME, PACKAGE = "bench-service", "bench_service"

VERSION_RUNS, NEW_ROUNDS = 15, 7
ADD_ROUNDS, GROWN = 5, (50, 500, 5000)
POST_ROUNDS, POST_SECONDS, POST_CONNECTIONS = 3, 5.0, 8
JOB_RUNS, JOBS, JOBS_AT_START, JOBS_IN_FLIGHT = 3, 2000, 100, 16
WARM_UP_SECONDS, WARM_UP_JOBS = 2.0, 32

LINE = "{:45}  {:24}  {:41}  {:20}  {:7}  {}"


def main() -> None:
    """Run the parts that were asked for, and print each one's rows when it ends."""
    parts: dict[str, Callable[..., Iterator[str]]] = {"version": version, "new": new, "add": add}
    parts |= {"post": post, "jobs": jobs}
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Figures, as ratios within one run.")
    parser.add_argument("--only", action="append", choices=list(parts), help="run this part; may be repeated")
    chosen = parser.parse_args().only or list(parts)
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} CPUs, load {psutil.getloadavg()[0]:.1f}")
    print(LINE.format("what", "figure", "against", "ratio", "wanted", "verdict"))
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        for name in chosen:
            for row in parts[name](Path(scratch)):
                print(row, flush=True)


def version(_: Path) -> Iterator[str]:
    """`--version` as a process, beside an interpreter that does nothing."""
    own, bare = [], []
    for _round in range(VERSION_RUNS):
        own.append(_run(PROGRAM, "--version"))
        bare.append(_run(sys.executable, "-c", "pass"))
    yield _row("resonate-scaffold --version, s", own, "python -c pass", bare, 3, "<= 0.15", judge=own)


def new(scratch: Path) -> Iterator[str]:
    """`new` against `copier copy` of its template, and against cookiecutter with an equal one."""
    cookiecutter = _install_cookiecutter(scratch)
    _write_cookiecutter_template(scratch / "cookiecutter")
    config = scratch / "cookiecutter.yaml"
    config.write_text(json.dumps({key: str(scratch / key) for key in ("cookiecutters_dir", "replay_dir")}))

    def times(into: Path) -> tuple[float, float, float]:
        into.mkdir()
        return (
            _run(PROGRAM, "new", NAME, "--no-install", "--no-git", "--defaults", "--into", into / "tool"),
            _run(
                *(Path(sys.executable).with_name("copier"), "copy", "--quiet", "--defaults"),
                *("-d", f"project_name={NAME}", templates.builtin_directory(), into / "copier" / NAME),
            ),
            _run(
                *(cookiecutter, "--no-input", "--config-file", config, "-o", into / "cookiecutter"),
                *(scratch / "cookiecutter", f"project_name={NAME}"),
            ),
        )

    times(scratch / "new-warm-up")
    # All made the same service, but for what each records about itself, and our `.env`.
    trees = [tree(made / NAME) for made in (scratch / "new-warm-up").iterdir()]
    paths = set().union(*trees) - {".copier-answers.yml", ".resonate-scaffold.json", ".env"}
    differing = sorted(path for path in paths if len({files.get(path) for files in trees}) > 1)
    if differing:
        sys.exit(f"error: the templates are not equal, see {', '.join(differing)}\nMend the conversion in this file.")
    own, copier, other = zip(*(times(scratch / f"new-{number}") for number in range(NEW_ROUNDS)), strict=True)
    what = "new --no-install --no-git --defaults, s"
    yield _row(what, own, "copier copy", copier, 3, "< 1")
    yield _row(what, own, "cookiecutter", other, 3, "< 1")


def add(scratch: Path) -> Iterator[str]:
    """`add workflow` on the example, and how it grows with the workflows that a service has."""
    service = scratch / "grown" / NAME
    _run(PROGRAM, "new", NAME, "--no-install", "--no-git", "--defaults", "--into", service.parent)
    example = _adding(service)
    bare = [_run(sys.executable, "-c", "pass") for _ in example]
    yield _row("add workflow, on the example, s", example, "python -c pass", bare, 3, "<= 0.4", judge=example)
    here = 0
    for there in GROWN:
        _grow(service, here, there)
        here = there
        took = _adding(service)
        yield _row(f"add workflow, beside {there:,} more, s", took, "on the example", example, 3, "")


def _adding(service: Path) -> list[float]:
    """Seconds that each `add` took; each is taken back, so that all meet the same service."""
    took = []
    fields = ("--takes", "order_id:str", "--takes", "quantity:int", "--returns", "receipt:str")
    for _ in range(ADD_ROUNDS):
        took.append(_run(PROGRAM, "add", "workflow", "measured", *fields, "--project", service))
        _run(PROGRAM, "remove", "workflow", "measured", "--project", service)
    return took


def _grow(service: Path, here: int, there: int) -> None:
    """Make as many workflows as there would be after so many `add`s, from what one of them made."""
    package = service / PACKAGE
    wired = [package / "contracts" / "workflows.py", package / "workflows" / "worker.py"]
    before = [path.read_text() for path in wired]
    _run(PROGRAM, "add", "workflow", "load-00000", "--takes", "order_id:str", "--project", service)
    contract = wired[0].read_text().removeprefix(before[0])
    served = next(line for line in wired[1].read_text().splitlines(keepends=True) if "serve(contracts.load_" in line)
    made = {path: path.read_text() for path in service.rglob("*load_00000.py")}
    _run(PROGRAM, "remove", "workflow", "load-00000", "--project", service)

    def of(number: int, text: str) -> str:
        return re.sub(r"(?<=[Ll]oad)([_-]?)00000", rf"\g<1>{number:05}", text)

    numbers = range(here + 1, there + 1)
    wired[0].write_text(before[0] + "".join(of(number, contract) for number in numbers))
    imported = "".join(of(number, "from .load_00000 import load_00000\n") for number in numbers)
    listed = "".join(of(number, served) for number in numbers)
    worker = before[1].replace("from .process_job", f"{imported}from .process_job", 1)
    wired[1].write_text(re.sub(r"(?m)^(SERVED: .*\n(?:    .*\n)*)", lambda found: found[1] + listed, worker, count=1))
    for path, text in made.items():
        for number in numbers:
            path.with_name(of(number, path.name)).write_text(of(number, text))


def _install_cookiecutter(scratch: Path) -> Path:
    """The program, in an environment of its own: the project does not depend on it."""
    environment = scratch / "cookiecutter-environment"
    uv = (sys.executable, "-m", "uv")
    _run(*uv, "venv", "--quiet", "--python", sys.executable, environment)
    python = environment / Path(sys.executable).parent.name / "python"
    _run(*uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, "cookiecutter")
    return python.with_name("cookiecutter")


def _write_cookiecutter_template(root: Path) -> None:
    """The shipped template in cookiecutter's form; what it should not render is listed, as is usual there."""
    questions = {question.name: question for question in templates.builtin_questions()}
    variable = re.compile(rf"(?<![\w.\"'])({'|'.join(questions)})\b")

    def converted(text: str) -> str:
        tag = r"\{\{.*?\}\}|\{%.*?%\}"
        return re.sub(tag, lambda found: variable.sub(r"cookiecutter.\1", found[0]), text, flags=re.DOTALL)

    service = templates.builtin_directory() / "service"
    verbatim = []
    for path, content in tree(service).items():
        if "_copier_conf" in path or "__pycache__" in path:
            continue
        name = converted(path.removesuffix(".jinja"))
        target = root / "{{cookiecutter.project_name}}" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.endswith(".jinja"):
            content = converted(content.decode()).encode()
        else:
            verbatim.append(name)
        target.write_bytes(content)
    context: dict[str, Any] = {"project_name": NAME, "_copy_without_render": verbatim}
    for name, question in questions.items():
        default = converted(question.default) if isinstance(question.default, str) else question.default
        context.setdefault(name, list(question.choices) or default)
    (root / "cookiecutter.json").write_text(json.dumps(context))


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
    yield _row("POST /jobs, requests/s", own_rate, "promises.create alone", bare_rate, 0, ">= 0.9")
    yield _row("POST /jobs, CPU ms a request, API process", own_cpu, "promises.create alone", bare_cpu, 2)


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
    submit = _submission(url)

    async def submit_until_deadline() -> int:
        connection, count = await _connect(url), 0
        while time.perf_counter() < deadline:
            await _ask(connection, submit % next(keys), 202)
            count += 1
        connection[1].close()
        return count

    return sum(await asyncio.gather(*(submit_until_deadline() for _ in range(POST_CONNECTIONS))))


def jobs(scratch: Path) -> Iterator[str]:
    """Jobs from `POST` to `succeeded`, through four processes, while the engine fills up."""
    first, last, total = [], [], []
    for run in range(JOB_RUNS):
        with _topology(scratch, f"jobs-{run}") as topology:
            migrated = topology.run("migrate")
            if migrated.returncode:
                sys.exit(f"error: the service's migrations failed:\n{migrated.stderr}")
            topology.start_engine()
            topology.start("worker", "worker")
            topology.start("db", "db")
            url = topology.start_api()
            # Or the first jobs would pay for lazy imports and connections, and make the later ones look good.
            asyncio.run(_ends_of_jobs(url, WARM_UP_JOBS))
            started = time.perf_counter()
            ends = [end - started for end in asyncio.run(_ends_of_jobs(url, JOBS))]
        first.append(ends[JOBS_AT_START - 1] / JOBS_AT_START * 1000)
        last.append((ends[-1] - ends[-1 - JOBS_AT_START]) / JOBS_AT_START * 1000)
        total.append(ends[-1] / JOBS * 1000)
    for what, figures in (("all", total), (f"the last {JOBS_AT_START} of", last)):
        yield _row(f"ms a job, {what} {JOBS:,}", figures, f"the first {JOBS_AT_START}", first, 1, "<= 1.5")


async def _ends_of_jobs(url: str, count: int) -> list[float]:
    """Run so many jobs, some at a time, to success; when each had ended, in order."""
    ends: list[float] = []
    keys = (b"%d-%d" % (time.time_ns(), number) for number in range(count))
    submit, look = _submission(url), _request("GET", "/jobs/%b", url, ("Prefer", "wait=25"))

    async def run_jobs() -> None:
        connection = await _connect(url)
        for key in keys:
            await _ask(connection, submit % key, 202)
            status = "running"
            while status == "running":
                status = json.loads(await _ask(connection, look % key, 200))["status"]
            if status != "succeeded":
                sys.exit(f"error: the job {key.decode()} ended as {status}\nRun the service's own tests.")
            ends.append(time.perf_counter())
        connection[1].close()

    await asyncio.gather(*(run_jobs() for _ in range(JOBS_IN_FLIGHT)))
    return ends


# A connection that is kept alive and costs this process next to nothing: prepared bytes out, status and body in.
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _connect(url: str) -> Connection:
    address = urlsplit(url)
    return await asyncio.open_connection(address.hostname, address.port)


async def _ask(connection: Connection, request: bytes, expected: int) -> bytes:
    """The body of the answer, which has the expected status and says its length, as these APIs' do."""
    reader, writer = connection
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    body = await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r")[0]))
    if int(head.split(b" ", 2)[1]) != expected:
        sys.exit(f"error: {request.decode()}\nwas answered with {head.decode()}{body.decode()}")
    return body


def _submission(url: str) -> bytes:
    """`POST /jobs` but for its key, at ``%b``."""
    body = '{"account_id": "acc-1", "requires_approval": false}'
    return _request("POST", "/jobs", url, ("Content-Type", "application/json"), ("Idempotency-Key", "%b"), body=body)


def _request(method: str, path: str, url: str, *headers: tuple[str, str], body: str = "") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {urlsplit(url).netloc}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers), "", body]).encode()


@functools.cache
def _service(scratch: Path) -> Path:
    """A service made and installed by the command, once a run."""
    _run(PROGRAM, "new", NAME, "--defaults", "--no-git", "--into", scratch / "service")
    return scratch / "service" / NAME


def _topology(scratch: Path, name: str, package: str = PACKAGE, **environment: str) -> Topology:
    """Processes in the service's environment, with a journal and a database of their own."""
    own = scratch / name
    own.mkdir()
    return Topology(_service(scratch), own, package, LEASE="60", **environment)


def _run(*command: str | Path) -> float:
    """Run a command to its end; how long it took, in s."""
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        sys.exit(f"error: `{' '.join(map(str, command))}` failed:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - started


Figures = Sequence[float]


def _row(what: str, own: Figures, name: str, other: Figures, digits: int, wanted: str = "", judge: Figures = ()) -> str:
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


if __name__ == "__main__":
    main()
