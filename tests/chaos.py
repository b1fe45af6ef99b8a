"""Chaos: a generated service under load, while its processes are killed, frozen, stopped, replaced and away.

    python -m tests.chaos [--seed N]... [--database sqlite|postgres]... [--engine embedded|server|resonate-pg]...
                          [--jobs 2000] [--kills 60] [--away 10] [--skew ROLE=SECONDS]... [--service DIR]
                          [--restore both|engine|database]...

Three real processes (api, worker, db), the engine, and the PostgreSQL of the service where it has one. A client
submits jobs, each with an idempotency key, and repeats whatever got no answer. Meanwhile come, in an order that the
seed decides:

    kill    SIGKILL of any of them, which is then started again, and sometimes killed while it starts
    away    the same, but it stays away for so many seconds
    freeze  SIGSTOP of worker or db for longer than a lease, then SIGCONT: alone, or while another took its place; and
            of the engine, which then takes every lease for lapsed
    drain   SIGTERM of api, worker or db, which must end in time and with status 0, and is started again
    deploy  another release takes the place of an api, worker or db: the next one, whose migration the database has
            already, and which has a field more in a request; or the one before, again

The engine is the tool's own, on its journal; a Resonate server, whose binary TEST_RESONATE_SERVER names; or a
PostgreSQL with resonate-pg, whose `resonate.sql` RESONATE_PG_SQL names.

One job in fifty fails by a mistake in its code, which raises whenever it is tried. One in ten is a saga, which books
money in three tables; some of these are canceled: see `chaos_saga`. With ``--skew worker=-400`` a role's
clock is so many seconds ahead, or behind.

With ``--restore`` there are no faults but one: the engine and the database of the service are backed up while jobs run,
the database a few seconds after the engine, everything ends at once, and both or one of the two come back as they were.
Then all is asked again, and what a restored database lacks is done again: see `Restore`.

A fault strikes while jobs are under way, and the next one waits until most of those have ended: so each job that is
hit can be hit again, and no fault falls on idle processes. What happened is then held against what must have: see
`judge`. The exit status is 1 where it is not so, and the directory with logs, journal and database is kept.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import aiohttp
import psutil

from tests.chaos_saga import CANCELED, MOMENTS, OPERATION, PATH, REFUSED, Booked, add_saga, judge_saga, saga_body
from tests.conftest import PROGRAM
from tests.postgres import Cluster
from tests.topology import SECRET, server_command, signed

NAME = "chaos-service"
LEASE = 1.0
START_WITHIN = 60.0
DRAIN_WITHIN = 20.0
"""Seconds for a clean stop: SHUTDOWN_GRACE is 10, and this machine may be busy."""
SETTLE_WITHIN = 90.0
"""Seconds after the last fault in which everything must have ended. The slowest wait that the service's own policies
allow is that of a step tried again after 8 s, and of a silent process's task handed out again after 40 s."""
AT_ONCE = 32
WARM_UP = 200
"""Jobs that must have ended before the first fault; what the processes hold then is what they are measured by."""
MEMORY_LIMIT = 1.5
TROUBLE_LIMIT = 2.0
"""Lines a job that a service may write of trouble: warnings and errors, with their tracebacks."""
SHOWN = 50
POISON = "acc-poison"
"""An account with which a step of `process-job` fails, as often as it is tried."""

Database = Literal["sqlite", "postgres"]
DATABASES: tuple[Database, ...] = ("sqlite", "postgres")
Engine = Literal["embedded", "server", "resonate-pg"]
ENGINES: tuple[Engine, ...] = ("embedded", "server", "resonate-pg")
Restored = Literal["both", "engine", "database"]
RESTORED: tuple[Restored, ...] = ("both", "engine", "database")
APART = 3.0
"""Seconds from the backup of the engine to that of the database, and from there to the end of all."""
A_SECOND = 15
"""Jobs that are asked for in a second until then."""
SERVICE = ("api", "worker", "db")
ROLES = (*SERVICE, "engine")
ON_POSTGRES = (*ROLES, "postgres")
"""The database of the service is a process, too. (SQLite has none.)"""
DECISIONS = ((True,), (False,), (True, True), (False, False), (True, False))
"""What is sent to a job that asks: one decision, the same twice, or two that contradict each other."""
UNANIMOUS = DECISIONS[:4]
"""Where a decision may be lost with a restored engine, and be sent again: of two that contradict each other the other
one could hold then."""


# -- what is to happen: by the seed alone --------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """One fault. ``again``: killed once more while it starts. ``replaced``: another serves while it is frozen."""

    kind: Literal["kill", "away", "freeze", "drain", "deploy"]
    role: str
    again: bool = False
    replaced: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.role}{' again' * self.again}{' replaced' * self.replaced}"


def faults(seed: int, kills: int, roles: Sequence[str] = ROLES) -> list[Fault]:
    """So many kills, evenly of each role, and a sixth as many freezes, drains and deployments, but some of each; and
    each role away, once for every thirty kills. In random order.

    The kills of every fourth round are of a process that has just been killed, and count once.
    """
    others, count = max(kills // 6, 2), len(roles)
    frozen = [Fault("freeze", role, replaced=replaced) for replaced in (True, False) for role in ("worker", "db")]
    frozen.append(Fault("freeze", "engine"))
    planned = [Fault("kill", roles[number % count], again=number // count % 4 == 3) for number in range(kills)]
    planned += [Fault("away", role) for role in roles for _ in range(max(kills // 30, 1))]
    planned += [frozen[number % len(frozen)] for number in range(others)]
    planned += [Fault("drain", ("worker", "db", "api")[number % 3]) for number in range(others)]
    planned += [Fault("deploy", ("db", "worker", "api")[number % 3]) for number in range(others)]
    random.Random(f"faults {seed}").shuffle(planned)
    return planned


@dataclass(frozen=True)
class Job:
    """One piece of work. So many ``clients`` ask for it at the same time, and all ``decisions`` are sent at the same
    time: of different ones any may win, but only one. It is canceled after so many seconds, unless that is None."""

    key: str
    path: str
    body: dict[str, Any]
    decisions: tuple[bool, ...] = ()
    clients: int = 1
    canceled_after: float | None = None

    @property
    def is_saga(self) -> bool:
        """Whether it books money in three tables."""
        return self.path == PATH

    @property
    def writes(self) -> bool:
        """Whether its success leaves a row."""
        return self.path == "/jobs"

    @property
    def is_poisonous(self) -> bool:
        """Whether a step of it raises, each time that it is tried."""
        return self.body.get("account_id") == POISON

    @property
    def other_body(self) -> dict[str, Any]:
        """What its key must be refused for."""
        if self.is_saga:
            return {**self.body, "amount": 0}
        return {"account_ids": ["acc-3"]} if not self.writes else {"account_id": "acc-3", "requires_approval": True}

    def expected(self, approved: bool | None) -> tuple[str, dict[str, str] | None]:
        """Status and error at its end, given the decision that holds."""
        if self.body.get("account_id") == "nobody":
            return "failed", {"code": "no-such-account", "message": "account 'nobody' does not exist"}
        if self.body.get("ending") == "refused":
            return "failed", REFUSED
        if approved is False:
            return "failed", {"code": "not-approved", "message": "the job was rejected"}
        return "succeeded", None


def jobs(seed: int, count: int, decisions: Sequence[tuple[bool, ...]] = DECISIONS, *, sagas: bool = True) -> list[Job]:
    """So many jobs, of every kind."""
    pick = random.Random(f"jobs {seed}")
    made = []
    for number in range(count):
        key, account, kind = f"chaos-{seed}-{number}", pick.choice(("acc-1", "acc-2")), pick.random()
        clients = 2 if pick.random() < 0.1 else 1
        if kind < 0.02:
            made.append(Job(key, "/jobs", {"account_id": POISON}, clients=clients))
        elif kind < 0.1:
            made.append(Job(key, "/accounts/summary", {"account_ids": [account, "nobody"]}, clients=clients))
        elif kind < 0.15:
            made.append(Job(key, "/jobs", {"account_id": "nobody"}, clients=clients))
        elif kind < 0.4:
            body = {"account_id": account, "requires_approval": True}
            made.append(Job(key, "/jobs", body, pick.choice(decisions), clients))
        elif kind < 0.5 and sagas:
            made.append(Job(key, PATH, saga_body(pick), clients=clients, canceled_after=pick.choice(MOMENTS)))
        else:
            made.append(Job(key, "/jobs", {"account_id": account}, clients=clients))
    return made


# -- what happened, and what must have -----------------------------------------------------------------------------


@dataclass
class Story:
    """What the client was told of one job; ``wrong`` is what it should not have been told."""

    job: Job
    accepted: bool = False
    submit_seconds: float = 0.0
    seconds: float = 0.0
    approved: bool | None = None
    end: dict[str, Any] | None = None
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Rows:
    """What the database holds. ``attempts`` are the claims that writes made, also in vain; ``booked`` is a saga's."""

    effects: list[str]
    operations: list[str]
    attempts: list[str]
    booked: Booked = MappingProxyType({})


@dataclass
class Verdict:
    """Ids of jobs that were lost, or had an effect twice, and all that is wrong in words."""

    lost: list[str]
    doubled: list[str]
    wrong: list[str]


def judge(stories: Sequence[Story], rows: Rows) -> Verdict:
    """Every accepted job ended, as it should, and its effect is in the database once; nothing else is."""
    effects, operations = Counter(rows.effects), Counter(rows.operations)
    verdict = Verdict([], [], [])
    due = set()
    for story in stories:
        key = story.job.key
        verdict.wrong += [f"{key}: {what}" for what in story.wrong]
        if story.end is None:
            verdict.lost.append(key)
            verdict.wrong.append(f"{key}: {'accepted, but it never ended' if story.accepted else 'never accepted'}")
            continue
        end, wanted = (story.end["status"], story.end["error"]), story.job.expected(story.approved)
        if story.job.is_poisonous:  # Its message names a log; and it may be in each worker that is killed.
            code = (story.end["error"] or {}).get("code")
            wanted = ("failed", story.end["error"] if code in ("internal-error", "crashes-worker") else None)
        is_canceled = story.job.canceled_after is not None and end == ("canceled", CANCELED)
        if end != wanted and not is_canceled:
            verdict.wrong.append(f"{key}: ended as {end}, expected {wanted}")
        if story.job.writes and story.end["status"] == "succeeded":
            due.add(key)
            if not effects[key]:
                verdict.lost.append(key)
                verdict.wrong.append(f"{key}: succeeded, but it has no effect in the database")
    claimed = {operation.rpartition("/")[2]: count for operation, count in operations.items()}
    for key in sorted(effects.keys() | claimed.keys()):
        if effects[key] > 1:
            verdict.doubled.append(key)
            verdict.wrong.append(f"{key}: {effects[key]} effects in the database")
        if effects[key] != claimed.get(key, 0):
            verdict.wrong.append(f"{key}: {effects[key]} effects, {claimed.get(key, 0)} operations")
        if key not in due:
            verdict.wrong.append(f"{key}: an effect in the database, but no job that succeeded")
    moved = {story.job.key: story for story in stories if story.job.is_saga}
    ended = {key: (int(it.job.body["amount"]), it.end["status"] if it.end else "lost") for key, it in moved.items()}
    verdict.wrong += judge_saga(ended, rows.booked)
    return verdict


@dataclass(frozen=True)
class Report:
    """The figures of one run, and what was violated."""

    seed: int
    engine: Engine
    database: Database
    jobs: int
    faults: Counter[str]
    verdict: Verdict
    repeated: int
    trouble: float
    retries: int
    submit_ms: tuple[float, float]
    seconds: float
    slowest_job: float
    memory: dict[str, float]

    TITLES = (
        *("seed", "engine", "database", "jobs", "kills", "away", "freezes", "drains", "deployments"),
        *("lost", "doubled", "wrong", "writes begun again", "lines of trouble a job", "client retries"),
        *("submit p50/p99 ms", "seconds", "slowest job s", "memory api/worker/db/engine"),
    )

    def cells(self) -> list[str]:
        kinds = Counter[str]()
        for name, count in self.faults.items():
            kinds[name.split()[0]] += count
        figures = (self.seed, self.engine, self.database, self.jobs)
        struck = (kinds[kind] for kind in ("kill", "away", "freeze", "drain", "deploy"))
        found = (len(self.verdict.lost), len(self.verdict.doubled), len(self.verdict.wrong), self.repeated)
        memory = " / ".join(f"{self.memory.get(role, 0):.2f}" for role in ROLES)
        p50, p99 = self.submit_ms
        times = (f"{p50:.0f} / {p99:.0f}", f"{self.seconds:.0f}", f"{self.slowest_job:.1f}")
        told = (f"{self.trouble:.2f}", self.retries)
        return [str(each) for each in (*figures, *struck, *found, *told, *times, memory)]


# -- the processes -------------------------------------------------------------------------------------------------


class Broken(Exception):
    """The run cannot go on: a process ended by itself, did not drain, or did not come up."""


class Processes:
    """The service and the engine, each process stopped by its own id, and gone with this one however it ends.

    ``releases`` are two directories of the service with one environment; `release` says which of them a role runs.
    """

    def __init__(
        self,
        releases: Sequence[Path],
        scratch: Path,
        engine: Engine = "embedded",
        database: Database = "sqlite",
        skew: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        self.package = next(releases[0].glob("*/__main__.py")).parent.name
        self.python = releases[0] / ".venv" / "bin" / "python"
        self.releases, self.scratch, self.engine, self.skew = releases, scratch, engine, skew
        (scratch / "skew").mkdir()
        (scratch / "skew" / "sitecustomize.py").write_text(SKEW)
        self.release: Counter[str] = Counter()
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.all: list[tuple[str, subprocess.Popen[bytes]]] = []
        engine_port, self.port = _steady_port(), _steady_port()
        self.url = f"http://127.0.0.1:{self.port}"
        engine_url, database_url = f"http://127.0.0.1:{engine_port}", f"sqlite:///{scratch / 'service.db'}"
        self.clusters: dict[str, Cluster] = {}
        self.commands: dict[str, list[str]] = {}
        match engine:
            case "embedded":
                journal = str(scratch / "engine.journal")
                self.commands["engine"] = [str(PROGRAM), "engine", "--port", str(engine_port), "--journal", journal]
            case "server":
                self.commands["engine"] = server_command(Path(_named("TEST_RESONATE_SERVER")), engine_port, scratch)
            case "resonate-pg":
                engine_url = self._add_cluster("engine")
        if database == "postgres":
            database_url = self._add_cluster("postgres")
        self.roles = ON_POSTGRES if database == "postgres" else ROLES
        self._starts: Counter[str] = Counter()
        self._logs: dict[str, Path] = {}
        inherited = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
        self.environment = {
            **inherited,
            "PYTHONUNBUFFERED": "1",
            "WEBHOOK_SECRETS": f"approvals:{SECRET}",
            "DATABASE_URL": database_url,
            "RESONATE_URL": engine_url,
            "PORT": str(self.port),
            "LEASE": str(LEASE),
            "API_KEYS": "",
        }

    def _add_cluster(self, role: str) -> str:
        cluster = self.clusters[role] = Cluster.make(self.scratch / f"{role}-data")
        self.commands[role] = cluster.command
        return cluster.url()

    def prepare(self) -> None:
        """Start the databases, and make what must be there before the service starts."""
        for role in self.clusters:
            self.start(role)
        if self.engine == "resonate-pg":
            self.clusters["engine"].psql("postgres", Path(_named("RESONATE_PG_SQL")).read_text("utf-8"))
        if "postgres" in self.clusters:
            self.clusters["postgres"].psql("postgres", "SELECT 1")
        self.in_service(PREPARE)

    def start(self, role: str) -> None:
        """Start a process of a role, which takes the place of the one that has it in `running`."""
        service = self.releases[self.release[role]]
        command = self.commands.get(role) or [str(self.python), "-m", self.package, role]
        cluster = self.clusters.get(role)
        environment = dict(self.environment)
        if role in self.skew:
            environment |= {"SKEW": str(self.skew[role]), "PYTHONPATH": str(self.scratch / "skew")}
        self._starts[role] += 1
        self._logs[role] = self.scratch / f"{role}-{self._starts[role]:03}.log"
        with self._logs[role].open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=self.scratch if cluster else service,
                env=environment,
                user=cluster.user if cluster else None,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_end_with_parent() if sys.platform == "linux" else None,
            )
        self.running[role] = process
        self.all.append((role, process))

    async def until_serving(self, role: str) -> None:
        """Wait until the latest worker of a role says what it serves."""
        async with _within(START_WITHIN, f"{role} did not come up"):
            while b" serves " not in self._logs[role].read_bytes():
                self.check()
                await asyncio.sleep(0.05)

    async def kill(self, role: str) -> None:
        """End a process at once. PostgreSQL is told to crash: it ends without a word, and has to recover."""
        process = self.running.pop(role)
        if role in self.clusters:
            process.send_signal(signal.SIGQUIT)
        else:
            process.kill()
        await asyncio.to_thread(process.wait)

    def freeze(self, process: subprocess.Popen[bytes], how: signal.Signals) -> None:
        """Stop a process, with its children, or let it go on."""
        with contextlib.suppress(psutil.Error):
            for each in (psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.send_signal(how)

    async def drain(self, process: subprocess.Popen[bytes], role: str) -> None:
        """SIGTERM; the process must end in time, cleanly."""
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, DRAIN_WITHIN)
        except subprocess.TimeoutExpired:
            raise Broken(f"{role} did not drain within {DRAIN_WITHIN:g} s") from None
        # uvicorn shuts down, then ends by the signal that it was sent.
        if process.returncode not in ((0, -signal.SIGTERM) if role == "api" else (0,)):
            raise Broken(f"{role} ended with status {process.returncode} when it was told to stop")

    def check(self) -> None:
        """Nothing may end unless it is told to. But a worker does not start while its database is away: whatever
        supervises it starts it again, and so does this."""
        for role, process in list(self.running.items()):
            if process.poll() is None:
                continue
            if b" cannot be reached: " not in self._logs[role].read_bytes():
                raise Broken(f"{role} ended by itself, with status {process.returncode}: see {self._logs[role].name}")
            self.start(role)

    def back_up(self, role: Literal["engine", "postgres"]) -> None:
        """Copy what the engine or the database of the service holds, while it is in use."""
        copy, cluster = self.scratch / f"{role}.backup", self.clusters.get(role)
        if cluster:
            copy.write_text(cluster.dump("postgres"), "utf-8")
        elif (kept := self._kept(role)).suffix == ".db":
            with (
                contextlib.closing(sqlite3.connect(kept)) as source,
                contextlib.closing(sqlite3.connect(copy)) as target,
            ):
                source.backup(target)
        else:  # A journal is added to, and replaced as a whole.
            shutil.copyfile(kept, copy)

    def restore(self, role: Literal["engine", "postgres"]) -> None:
        """Bring it back; nobody uses it meanwhile."""
        copy = self.scratch / f"{role}.backup"
        if cluster := self.clusters.get(role):
            cluster.psql("template1", "DROP DATABASE postgres WITH (FORCE);\nCREATE DATABASE postgres;\n")
            cluster.psql("postgres", copy.read_text("utf-8"))
            return
        kept = self._kept(role)
        for beside in kept.parent.glob(f"{kept.name}*"):
            beside.unlink()
        shutil.copyfile(copy, kept)

    def _kept(self, role: Literal["engine", "postgres"]) -> Path:
        """The file that holds what a role without a cluster keeps."""
        if role == "postgres":
            return self.scratch / "service.db"
        return self.scratch / ("engine.journal" if self.engine == "embedded" else "engine.db")

    def reconcile(self, *, again: bool = False) -> list[str]:
        """The lines of `reconcile`: what the database lacks, or what was done again."""
        command = [str(self.python), "-m", self.package, "reconcile", *["--again"] * again]
        done = subprocess.run(command, cwd=self.releases[0], env=self.environment, text=True, capture_output=True)
        if done.returncode not in (0, 1) or "Error" in done.stderr:
            raise Broken(f"reconcile ended with status {done.returncode}:\n{done.stderr}")
        return done.stdout.splitlines()

    def memory(self) -> dict[str, int]:
        """Bytes of resident memory by role: of the largest, where two processes have it."""
        found: dict[str, int] = {}
        for role, process in self.all:
            if process.poll() is not None:
                continue
            with contextlib.suppress(psutil.Error):  # it may have been killed just now
                found[role] = max(found.get(role, 0), psutil.Process(process.pid).memory_info().rss)
        return found

    def in_service(self, code: str) -> str:
        """Run Python in the service's environment; what it prints."""
        command = [str(self.python), "-c", _filled(code, PACKAGE=self.package, POISON=POISON, OPERATION=OPERATION)]
        done = subprocess.run(command, cwd=self.releases[1], env=self.environment, text=True, capture_output=True)
        if done.returncode:
            raise Broken(f"the database could not be prepared or read:\n{done.stderr}")
        return done.stdout

    def trouble(self) -> int:
        """Lines in the logs of the service that are no report of what went well: see TROUBLE_LIMIT."""
        lines = 0
        for role in SERVICE:
            for log in self.scratch.glob(f"{role}-*.log"):
                lines += sum(" INFO " not in line[:40] for line in log.read_text("utf-8", "replace").splitlines())
        return lines

    def close(self) -> None:
        for role, process in reversed(self.all):
            if process.poll() is None:
                process.send_signal(signal.SIGQUIT if role in self.clusters else signal.SIGKILL)
                process.wait()


SKEW = """
import os, time
_skew, _time, _time_ns = float(os.environ["SKEW"]), time.time, time.time_ns
time.time = lambda: _time() + _skew
time.time_ns = lambda: _time_ns() + int(_skew * 1e9)
"""
"""A module that each process with this environment imports first: see `site` of the standard library."""


def _filled(code: str, **words: str) -> str:
    for word, text in words.items():
        code = code.replace(word, text)
    return code


def _named(variable: str) -> str:
    """What an environment variable names."""
    if not (found := os.environ.get(variable)):
        sys.exit(f"{variable} is not set: see python -m tests.chaos --help")
    return found


def _steady_port() -> int:
    """A free port below those that systems give to outgoing connections: one of these could take it between a death
    and the start after it."""
    while True:
        port = random.randrange(15_000, 30_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _end_with_parent() -> Callable[[], None]:
    """What runs between fork and exec on Linux: ask to be killed when this process dies, even by SIGKILL."""
    prctl, parent, set_death_signal = ctypes.CDLL(None).prctl, os.getpid(), 1

    def in_child() -> None:
        prctl(set_death_signal, int(signal.SIGKILL))
        if os.getppid() != parent:
            os._exit(1)

    return in_child


@contextlib.asynccontextmanager
async def _within(seconds: float, otherwise: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise Broken(f"{otherwise} within {seconds:g} s") from None


# The table as it is made refuses a second row: the job would fail, and the row not be there to be counted. So it is
# made again without that. And each claim of an operation leaves a trace, also one in vain: it shows what ran twice.
PREPARE = """
import os
from sqlalchemy import UniqueConstraint, create_engine, text
from PACKAGE.__main__ import SERVICE
from PACKAGE.db.models import JobResultRow
from PACKAGE.runtime.database import migrate, seed, synchronous_url
migrate(os.environ["DATABASE_URL"], SERVICE.migrations)
seed(os.environ["DATABASE_URL"], SERVICE.package)
url = synchronous_url(os.environ["DATABASE_URL"])
table = JobResultRow.__table__
table.constraints = {each for each in table.constraints if not isinstance(each, UniqueConstraint)}
trace = "CREATE TRIGGER attempted BEFORE INSERT ON operations "
if url.get_backend_name() == "sqlite":
    trace = [trace + "BEGIN INSERT INTO attempts VALUES (new.id); END"]
else:
    body = "BEGIN INSERT INTO attempts VALUES (new.id); RETURN new; END"
    trace = [
        f"CREATE FUNCTION attempted() RETURNS trigger LANGUAGE plpgsql AS '{body}'",
        trace + "FOR EACH ROW EXECUTE FUNCTION attempted()",
    ]
with create_engine(url).begin() as connection:
    table.drop(connection)
    table.create(connection)
    poison = "INSERT INTO accounts (id, owner, balance) VALUES ('POISON', 'nobody', 0)"
    for statement in ["CREATE TABLE attempts (id varchar(255))", *trace, poison]:
        connection.execute(text(statement))
"""

READ = """
import json, os
from sqlalchemy import create_engine, text
from PACKAGE.runtime.database import synchronous_url
with create_engine(synchronous_url(os.environ["DATABASE_URL"])).connect() as connection:
    found = {}
    for name, column, table in (
        ("effects", "job_id", "job_results"), ("operations", "id", "operations"), ("attempts", "id", "attempts")
    ):
        found[name] = list(connection.execute(text(f"SELECT {column} FROM {table}")).scalars())
    for name in ("operations", "attempts"):
        found[name] = [it for it in found[name] if "OPERATION" not in it]
    found["booked"] = {
        table: [list(row) for row in connection.execute(text(f"SELECT job_id, amount FROM {table}"))]
        for table in ("reserved", "charged", "shipped")
    }
print(json.dumps(found))
"""


# -- the client ----------------------------------------------------------------------------------------------------


class Wrong(Exception):
    """An answer that the service must not give."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Any
    body: Any
    attempts: int


class Client:
    """Asks until there is a definite answer: no answer, or a 503, is asked again, with the same key."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url, self._session = url, session
        self.retries = 0

    async def ask(
        self, method: str, path: str, wanted: Iterable[int], body: object = None, sign: bool = False, **headers: str
    ) -> Answer:
        """Raises `Wrong` for an answer of another status than wanted."""
        raw = b"" if body is None else json.dumps(body).encode()
        attempts, pause = 0, 0.05
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        while True:
            attempts += 1
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                sent = {**headers, "Content-Type": "application/json", **(signed(raw) if sign else {})}
                async with self._session.request(method, self._url + path, data=raw, headers=sent) as response:
                    text = await response.text()
                    if response.status in wanted:
                        return Answer(response.status, response.headers, json.loads(text), attempts)
                    if response.status != 503:
                        raise Wrong(f"{method} {path} was answered {response.status}: {text[:500]}")
            self.retries += 1
            await asyncio.sleep(pause)
            pause = min(2 * pause, 0.5)

    async def submit(self, story: Story) -> None:
        """Ask for a job until it is accepted."""
        begun, job = time.monotonic(), story.job
        answers = await asyncio.gather(*(self._post(job) for _ in range(job.clients)))
        story.accepted, story.submit_seconds = True, time.monotonic() - begun
        taken = [answer for answer in answers if not answer.headers.get("Idempotent-Replayed")]
        if len(taken) > 1:
            raise Wrong("it was accepted twice")
        # An answer that was lost on its way may have been the one that accepted it.
        if not taken and all(answer.attempts == 1 for answer in answers):
            raise Wrong("its first request was answered as a replay")

    async def again(self, job: Job) -> None:
        """The same request once more, which must be answered as a repetition."""
        if not (await self._post(job)).headers.get("Idempotent-Replayed"):
            raise Wrong("the same request again was not answered as a replay: it was accepted twice")

    async def reuse(self, job: Job) -> None:
        """Another request with the job's key, which must be refused."""
        await self.ask("POST", job.path, {422}, job.other_body, Idempotency_Key=job.key)

    async def _post(self, job: Job) -> Answer:
        answer = await self.ask("POST", job.path, {200, 202}, job.body, Idempotency_Key=job.key, Prefer="wait=0")
        if (location := answer.headers.get("Location")) != f"{job.path}/{job.key}":
            raise Wrong(f"accepted as {location}")
        return answer

    async def decide(self, job: Job, approved: bool) -> bool:
        """Send a decision, which may come before the job waits for it; returns the one that holds."""
        body = {"job_id": job.key, "approved": approved}
        answer = await self.ask("POST", "/webhooks/approvals", {200, 409}, body, sign=True)
        holds = answer.body["approved"] if answer.status == 200 else answer.body["answer"]["approved"]
        if (holds == approved) != (answer.status == 200):
            raise Wrong(f"the decision {approved} was answered {answer.status}, with {holds}")
        return bool(holds)

    async def look(self, job: Job, wait: int) -> dict[str, Any]:
        answer = await self.ask("GET", f"{job.path}/{job.key}", {200}, Prefer=f"wait={wait}")
        seen: dict[str, Any] = answer.body
        if seen["id"] != job.key:
            raise Wrong(f"read as {seen['id']}")
        return seen

    async def live(self, story: Story) -> None:
        """One job from its request to its end, and what must not happen on the way."""
        begun = time.monotonic()
        await self.submit(story)
        await self._follow(story)
        story.seconds = time.monotonic() - begun

    async def once_more(self, story: Story) -> None:
        """One job to its end, which was asked for before, perhaps in vain, or is not remembered."""
        job = story.job
        await asyncio.gather(*(self._post(job) for _ in range(job.clients)))
        story.accepted = True
        await self._follow(story)

    async def _follow(self, story: Story) -> None:
        job = story.job
        held = await asyncio.gather(*(self.decide(job, approved) for approved in job.decisions))
        if len(set(held)) > 1:
            raise Wrong("of two decisions both were told that they hold")
        story.approved = held[0] if held else None
        if job.canceled_after is not None:
            await asyncio.sleep(job.canceled_after)
            await self.ask("DELETE", f"{job.path}/{job.key}", {200, 202, 409})
        while (seen := await self.look(job, wait=2))["status"] == "running":
            pass
        story.end = seen

    async def check(self, story: Story, reuse: bool) -> None:
        """What was said before is still said, after the end."""
        job = story.job
        await self.again(job)
        if reuse:
            await self.reuse(job)
        if (seen := await self.look(job, wait=0)) != story.end:
            raise Wrong(f"read again, it is {seen}, not {story.end}")
        if story.approved is not None:
            for approved in (True, False):
                if await self.decide(job, approved) != story.approved:
                    raise Wrong("another decision was taken after its end")


# -- one run -------------------------------------------------------------------------------------------------------


class Run:
    """One run: jobs are let in bit by bit, as the faults come."""

    def __init__(
        self, processes: Processes, client: Client, seed: int, jobs: list[Job], faults: list[Fault], away: float
    ) -> None:
        self.processes, self.client, self.faults, self.away = processes, client, faults, away
        self.stories = [Story(job) for job in jobs]
        self.chance = random.Random(f"moments {seed}")
        self.warm_up = min(WARM_UP, len(jobs) // 3)
        self.let_in = self.ended = 0
        self.struck: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.baseline: dict[str, int] = {}
        self.peak: dict[str, int] = {}
        self._tickets = asyncio.Semaphore(0)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._moved = asyncio.Event()

    async def __call__(self) -> None:
        self._start()
        await self._until_alive()
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(self._watch())
            work = [group.create_task(self._live(story)) for story in self.stories]
            await self._strike()
            _, stuck = await asyncio.wait(work, timeout=SETTLE_WITHIN)
            for task in (watch, *stuck):
                task.cancel()
        async with asyncio.TaskGroup() as group:
            for number, story in enumerate(self.stories):
                if story.end is not None:
                    group.create_task(self._check(story, reuse=number % 10 == 0))

    def _start(self) -> None:
        for role in self.processes.roles[::-1]:
            if role not in self.processes.running:
                self.processes.start(role)

    async def _until_alive(self) -> None:
        async with _within(START_WITHIN, "the service did not come up"):
            await self.client.ask("GET", "/readyz", {200})
        for role in ("worker", "db"):
            await self.processes.until_serving(role)

    async def _strike(self) -> None:
        self._let_in(self.warm_up)
        await self._until_ended(self.warm_up)
        self.baseline = self.processes.memory()
        self.peak = dict(self.baseline)
        left = len(self.stories) - self.warm_up
        for number, fault in enumerate(self.faults):
            self._let_in((number + 1) * left // len(self.faults) - number * left // len(self.faults))
            await asyncio.sleep(self.chance.uniform(0, 0.4))
            await self._inflict(fault)
            self.struck[str(fault)] += 1
            # Not all of them: what still lies at a lease is there for the next fault.
            await self._until_ended(self.let_in - (self.let_in - self.ended) // 2)

    def _let_in(self, count: int) -> None:
        self.let_in += count
        for _ in range(count):
            self._tickets.release()

    async def _until_ended(self, count: int) -> None:
        async with _within(SETTLE_WITHIN, f"only {self.ended} of {count} jobs ended"):
            while self.ended < count:
                self._moved.clear()
                await self._moved.wait()

    async def _inflict(self, fault: Fault) -> None:
        processes, role = self.processes, fault.role
        match fault.kind:
            case "kill":
                await processes.kill(role)
                await asyncio.sleep(self.chance.choice((0, self.chance.uniform(0, 0.5))))
                processes.start(role)
                if fault.again:
                    await asyncio.sleep(self.chance.uniform(0, 1))
                    await processes.kill(role)
                    processes.start(role)
            case "away":
                await processes.kill(role)
                await asyncio.sleep(self.away)
                processes.start(role)
            case "deploy":
                processes.release[role] ^= 1
                if role == "api":  # There is one port.
                    await self._until_alive()
                    await processes.drain(processes.running.pop(role), role)
                    processes.start(role)
                else:
                    await processes.until_serving(role)
                    before = processes.running[role]
                    processes.start(role)
                    await processes.until_serving(role)
                    await processes.drain(before, role)
            case "drain":
                if role != "api":  # While it starts, the signal just ends it, and says nothing about draining.
                    await processes.until_serving(role)
                await processes.drain(processes.running.pop(role), role)
                processes.start(role)
            case "freeze":
                frozen = processes.running[role]
                if fault.replaced:
                    processes.start(role)
                    await processes.until_serving(role)
                processes.freeze(frozen, signal.SIGSTOP)
                await asyncio.sleep(LEASE * self.chance.uniform(1.3, 2.0))
                processes.freeze(frozen, signal.SIGCONT)
                if fault.replaced:
                    await asyncio.sleep(self.chance.uniform(0, 0.5))
                    await processes.drain(frozen, role)

    async def _live(self, story: Story) -> None:
        await self._tickets.acquire()
        async with self._slots:
            with _told(story):
                await self.client.live(story)
        self.ended += 1
        self._moved.set()

    async def _check(self, story: Story, reuse: bool) -> None:
        async with self._slots:
            with _told(story):
                await self.client.check(story, reuse)

    async def _watch(self) -> None:
        while True:
            self.processes.check()
            for role, now in self.processes.memory().items():
                self.peak[role] = max(self.peak.get(role, 0), now)
            await asyncio.sleep(0.2)


class Restore(Run):
    """One run with a backup under load, an end of everything, and a restore. What it strikes is what was done again."""

    def __init__(self, processes: Processes, client: Client, seed: int, jobs: list[Job], what: Restored) -> None:
        super().__init__(processes, client, seed, jobs, [], 0)
        self.what = what

    async def __call__(self) -> None:
        processes = self.processes
        self._start()
        await self._until_alive()
        work = [asyncio.create_task(self._live(story)) for story in self.stories]
        work.append(asyncio.create_task(self._let_in_steadily()))
        try:
            await self._until_ended(len(self.stories) // 3)
            await asyncio.to_thread(processes.back_up, "engine")
            await asyncio.sleep(APART)
            await asyncio.to_thread(processes.back_up, "postgres")
            await asyncio.sleep(APART)
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
        for role in ROLES:
            if role not in processes.clusters:
                await processes.kill(role)
        if self.what != "database":
            await asyncio.to_thread(processes.restore, "engine")
        if self.what != "engine":
            await asyncio.to_thread(processes.restore, "postgres")
        self.struck[f"restore {self.what}"] += 1
        self._start()
        await self._until_alive()
        self.stories = [Story(story.job) for story in self.stories]
        asked = [asyncio.create_task(self._once_more(story)) for story in self.stories]
        _, stuck = await asyncio.wait(asked, timeout=SETTLE_WITHIN)
        for task in stuck:
            task.cancel()
        await asyncio.to_thread(self._reconcile)
        for number, story in enumerate(self.stories):
            if story.end is not None:
                await self._check(story, reuse=number % 10 == 0)

    async def _let_in_steadily(self) -> None:
        for _ in self.stories:
            self._let_in(1)
            await asyncio.sleep(1 / A_SECOND)

    async def _once_more(self, story: Story) -> None:
        async with self._slots:
            with _told(story):
                await self.client.once_more(story)

    def _reconcile(self) -> None:
        """Do again what the database lacks: nothing, where it is the newer one of the two."""
        if missing := self.processes.reconcile():
            if self.what != "database":
                self.wrong.append(f"the newer database lacks {len(missing)} writes: {missing[0]}")
            self.struck["done again"] += len(self.processes.reconcile(again=True))
            self.wrong += self.processes.reconcile()


@contextlib.contextmanager
def _told(story: Story) -> Iterator[None]:
    try:
        yield
    except Wrong as wrong:
        story.wrong.append(str(wrong))


async def _run(
    processes: Processes, seed: int, database: Database, count: int, kills: int, away: float, restore: Restored | None
) -> Report:
    begun = time.monotonic()
    broken: list[str] = []
    limits = aiohttp.ClientTimeout(total=10, connect=2)
    async with aiohttp.ClientSession(timeout=limits) as session:
        client = Client(processes.url, session)
        if restore:
            run: Run = Restore(processes, client, seed, jobs(seed, count, UNANIMOUS, sagas=False), restore)
        else:
            planned = faults(seed, kills, processes.roles)
            run = Run(processes, client, seed, jobs(seed, count), planned, away)
        try:
            await run()
        except* Broken as group:
            broken = [str(error) for error in group.exceptions]
    seconds = time.monotonic() - begun
    found = processes.in_service(READ)
    (processes.scratch / "rows.json").write_text(found)
    rows = Rows(**json.loads(found))
    verdict = judge(run.stories, rows)
    memory = {role: run.peak[role] / run.baseline[role] for role in run.baseline}
    verdict.wrong += [*broken, *run.wrong]
    trouble = processes.trouble() / count
    if trouble > TROUBLE_LIMIT and run.warm_up == WARM_UP:
        verdict.wrong.append(f"{trouble:.2f} lines of trouble a job in the logs")
    if run.warm_up == WARM_UP:  # what a process holds after fewer jobs is mostly what it has not loaded yet
        verdict.wrong += [f"{role}: {r:.2f} times its memory" for role, r in memory.items() if r > MEMORY_LIMIT]
    submits = sorted(story.submit_seconds * 1000 for story in run.stories if story.accepted) or [0.0]
    return Report(
        seed=seed,
        engine=processes.engine,
        database=database,
        jobs=count,
        faults=run.struck,
        verdict=verdict,
        repeated=len(rows.attempts) - len(rows.operations),
        trouble=trouble,
        retries=run.client.retries,
        submit_ms=(statistics.median(submits), submits[len(submits) * 99 // 100]),
        seconds=seconds,
        slowest_job=max(story.seconds for story in run.stories),
        memory=memory,
    )


def make_service(parent: Path) -> Path:
    """A service, made and installed by the command."""
    command: list[str | Path] = [PROGRAM, "new", NAME, "--defaults", "--no-git", "--into", parent]
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    _insert(next((parent / NAME).glob("*/__main__.py")).parent, POISONED)
    add_saga(PROGRAM, parent / NAME)
    return parent / NAME


def _insert(package: Path, edits: dict[str, tuple[str, str]]) -> None:
    """Insert text after a line of each of these files."""
    for name, (line, added) in edits.items():
        before = (package / name).read_text("utf-8")
        assert before.count(line) == 1, name
        (package / name).write_text(before.replace(line, line + added), "utf-8")


POISONED = {
    "workflows/process_job.py": (
        '    """The processing itself, a step: what it reads of the clock is recorded with its result."""\n',
        f'    if account.id == "{POISON}":\n        raise RuntimeError("it cannot be processed")\n',
    )
}
"""What fails for one account, as a mistake in the owner's code may."""


NEXT_MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0004", "0003", None, None


def upgrade() -> None:
    op.add_column("job_results", sa.Column("note", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("job_results", "note")
"""
NEXT_EDITS = {
    "contracts/db/save_result.py": ("    processed_at: AwareDatetime\n", '    note: str = ""\n'),
    "db/models.py": (
        "    processed_at: Mapped[datetime]\n",
        "    note: Mapped[str | None] = mapped_column(String(200))\n",
    ),
}
"""What the next release has after a line: a request with a field more, and a column for it."""


def make_next_release(service: Path, parent: Path) -> Path:
    """The release after that of a service, as its owner might write it."""
    made = parent / "next" / service.name
    shutil.copytree(service, made, ignore=shutil.ignore_patterns(".venv", ".git", "__pycache__", ".*_cache"))
    (package,) = (path.parent for path in made.glob("*/__main__.py"))
    _insert(package, NEXT_EDITS)
    (package / "db" / "migrations" / "versions" / "0004_note.py").write_text(NEXT_MIGRATION, "utf-8")
    return made


def run(
    releases: Sequence[Path],
    scratch: Path,
    seed: int,
    count: int,
    kills: int,
    away: float = 10,
    *,
    engine: Engine = "embedded",
    database: Database = "sqlite",
    skew: Mapping[str, float] = MappingProxyType({}),
    restore: Restored | None = None,
) -> Report:
    """One run, with everything that it writes in ``scratch``."""
    processes = Processes(releases, scratch, engine, database, skew)
    try:
        processes.prepare()
        return asyncio.run(_run(processes, seed, database, count, kills, away, restore))
    finally:
        processes.close()


def _skew(given: str) -> tuple[str, float]:
    role, _, seconds = given.partition("=")
    if role not in SERVICE:
        raise ValueError(role)
    return role, float(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="A service among dying processes.")
    parser.add_argument("--seed", type=int, action="append", help="may be repeated; three random ones otherwise")
    parser.add_argument("--database", choices=DATABASES, action="append", help="may be repeated; both otherwise")
    parser.add_argument("--engine", choices=ENGINES, action="append", help="may be repeated; `embedded` otherwise")
    parser.add_argument("--away", type=float, default=10, metavar="SECONDS", help="how long what is away stays away")
    parser.add_argument("--skew", type=_skew, action="append", default=[], metavar="ROLE=SECONDS")
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--restore", choices=RESTORED, action="append", help="instead of faults; may be repeated")
    parser.add_argument("--service", type=Path, help="an installed service to use, instead of a new one")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the processes are stopped then, too
    seeds = given.seed or random.sample(range(1, 10_000), 3)
    parent = Path(tempfile.mkdtemp(prefix="chaos-"))
    reports = []
    service = (given.service or make_service(parent)).resolve()
    releases = (service, make_next_release(service, parent))
    chosen = (given.engine or ENGINES[:1], given.database or DATABASES, given.restore or [None], seeds)
    for engine, database, restore, seed in product(*chosen):
        scratch = parent / "-".join(filter(None, (engine, database, restore, str(seed))))
        scratch.mkdir()
        what = f"restore of {restore}" if restore else f"{given.kills} kills"
        print(f"seed {seed}, {engine}, {database}: {given.jobs} jobs, {what}", flush=True)
        of_run = (releases, scratch, seed, given.jobs, given.kills, given.away)
        report = run(*of_run, engine=engine, database=database, skew=dict(given.skew), restore=restore)
        print("    " + ", ".join(f"{name}: {count}" for name, count in sorted(report.faults.items())))
        for wrong in report.verdict.wrong[:SHOWN]:
            print(f"    VIOLATED {wrong}")
        if more := report.verdict.wrong[SHOWN:]:
            print(f"    and {len(more)} more: see {scratch / 'violated.txt'}")
        (scratch / "violated.txt").write_text("\n".join(report.verdict.wrong))
        reports.append(report)
    rows = [list(Report.TITLES), *(report.cells() for report in reports)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print(" | ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
    if any(report.verdict.wrong for report in reports):
        sys.exit(f"violated: logs, journals and what the databases held are in {parent}")
    shutil.rmtree(parent)


if __name__ == "__main__":
    main()
