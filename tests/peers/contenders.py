"""Who is measured, and how each is started.

All do the same work: `POST /jobs` with a key, read an account, a step, save a row exactly once, `GET` until the end.
Ours are the processes of a generated service's Procfile, with the settings that they have where nothing is set.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import httpx

from resonate_scaffold.dev.project import find_project
from tests.figures import run
from tests.peers.processes import Environment, Postgres, Processes, clean_environment, install
from tests.peers.table import BEFORE
from tests.topology import free_port, python_of, server_command

ROOT = Path(__file__).parent.parent.parent
NAME = "bench-service"
HERE = Path(__file__).parent
COUNT = "SELECT count(*), count(DISTINCT job_id) FROM job_results;"


@dataclass
class Bench:
    """What all contenders of a run share."""

    directory: Path
    postgres: Postgres
    peers_directory: Path
    services: dict[tuple[Path, str], Path] = field(default_factory=dict)

    def peers(self) -> Environment:
        """The peers' packages."""
        return install(self.peers_directory)

    def service(self, tool: Path, database: str) -> Path:
        """A service as the tool of that checkout makes it, once a run."""
        if (tool, database) not in self.services:
            into = self.directory / f"service-{len(self.services)}"
            made = ("new", NAME, "--defaults", "--no-git", "--database", database, "--into", into)
            # `new` installs with uv where it finds one, as beside this interpreter, which is quicker than pip.
            path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
            run(sys.executable, "-P", "-m", "resonate_scaffold", *made, PYTHONPATH=str(tool), PATH=path)
            self.services[tool, database] = into / NAME
        return self.services[tool, database]


class Contender(Protocol):
    """Something that takes jobs."""

    @property
    def title(self) -> str:
        """Its row in the table."""

    def prepare(self, bench: Bench) -> None:
        """Install what it needs."""

    def start(self, bench: Bench, processes: Processes) -> str:
        """Start it on empty databases; returns the URL of its API, which answers."""

    def rows(self, bench: Bench, processes: Processes) -> str:
        """How many results its database has, and of how many jobs."""


@dataclass(frozen=True)
class Ours:
    """A generated service on one of its engines."""

    title: str
    engine: str  # embedded, server-sqlite, server-postgres or resonate-pg
    database: str  # of the service: sqlite or postgres
    tool: Path = ROOT
    file: Path | None = None  # the server's binary, or resonate-pg's SQL

    def prepare(self, bench: Bench) -> None:
        bench.service(self.tool, self.database)

    def start(self, bench: Bench, processes: Processes) -> str:
        service = bench.service(self.tool, self.database)
        port = free_port()
        environment = {
            "PATH": f"{python_of(service).parent}{os.pathsep}{os.environ['PATH']}",
            "RESONATE_URL": self._start_engine(bench, processes),
            "DATABASE_URL": self._database_url(bench, processes),
            "PORT": str(port),
        }
        commands = dict(find_project(service).commands)
        release = commands.pop("release")
        subprocess.run(release, cwd=service, env=clean_environment(environment), check=True, capture_output=True)
        for name, command in commands.items():
            processes.start(name, command, environment, service)
        url = f"http://127.0.0.1:{port}"
        processes.until(f"{self.title} ready", lambda: httpx.get(f"{url}/readyz").status_code == 200)
        return url

    def rows(self, bench: Bench, processes: Processes) -> str:
        if self.database == "postgres":
            return bench.postgres.run("rows", COUNT).strip()
        with closing(sqlite3.connect(processes.directory / "service.db")) as connection:
            return "|".join(map(str, connection.execute(COUNT).fetchone()))

    def _database_url(self, bench: Bench, processes: Processes) -> str:
        if self.database == "postgres":
            return bench.postgres.make_fresh("rows")
        return f"sqlite:///{processes.directory / 'service.db'}"

    def _start_engine(self, bench: Bench, processes: Processes) -> str:
        """Start the engine; returns its URL."""
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        if self.engine == "resonate-pg":
            assert self.file is not None
            database = bench.postgres.make_fresh("engine")
            bench.postgres.run("engine", self.file.read_text("utf-8"))
            # As docs/operating.md advises.
            bench.postgres.run("postgres", "ALTER DATABASE engine SET deadlock_timeout = '20ms'")
            return database
        if self.engine == "embedded":
            options = ("--port", str(port), "--journal", processes.directory / "engine.journal")
            engine = (sys.executable, "-P", "-m", "resonate_scaffold", "engine", *options)
            processes.start("engine", engine, {"PYTHONPATH": str(self.tool)})
        else:
            assert self.file is not None
            storage = {"storage_type": "sqlite"}
            if self.engine == "server-postgres":
                storage = {"storage_type": "postgres", "storage_postgres_url": bench.postgres.make_fresh("engine")}
            command = server_command(self.file, port, processes.directory, **storage)
            processes.start("engine", command)
        processes.until(f"the engine of {self.title} up", lambda: bool(httpx.get(url).status_code))
        return url


@dataclass(frozen=True)
class Dbos:
    """See dbos_app.py."""

    title: str

    def prepare(self, bench: Bench) -> None:
        bench.peers()

    def start(self, bench: Bench, processes: Processes) -> str:
        port = free_port()
        environment = {
            "SYSTEM_DATABASE_URL": bench.postgres.make_fresh("engine"),
            "DATABASE_URL": bench.postgres.make_fresh("rows"),
            "PORT": str(port),
        }
        processes.start("app", (bench.peers().python, HERE / "dbos_app.py"), environment)
        url = f"http://127.0.0.1:{port}"
        processes.until("DBOS ready", lambda: httpx.get(f"{url}/livez").status_code == 200)
        return url

    def rows(self, bench: Bench, processes: Processes) -> str:
        return bench.postgres.run("rows", COUNT).strip()


@dataclass(frozen=True)
class Restate:
    """See restate_app.py."""

    title: str

    def prepare(self, bench: Bench) -> None:
        bench.peers()

    def start(self, bench: Bench, processes: Processes) -> str:
        ingress, admin, node, handler, api = (free_port() for _ in range(5))
        settings = {
            "RESTATE_BASE_DIR": str(processes.directory / "restate"),
            "RESTATE_LISTEN_MODE": "tcp",
            "RESTATE_BIND_IP": "127.0.0.1",
            "RESTATE_BIND_PORT": str(node),
            "RESTATE_INGRESS__BIND_PORT": str(ingress),
            "RESTATE_ADMIN__BIND_PORT": str(admin),
            "RESTATE_LOG_FILTER": "warn",
            "RESTATE_DISABLE_TELEMETRY": "true",
        }
        processes.start("server", (bench.peers().restate_server, "--no-logo"), settings)
        app = (bench.peers().python, HERE / "restate_app.py")
        processes.start(
            "service", (*app, "service"), {"DATABASE_URL": bench.postgres.make_fresh("rows"), "PORT": str(handler)}
        )
        processes.start("api", (*app, "api"), {"RESTATE_INGRESS": f"http://127.0.0.1:{ingress}", "PORT": str(api)})
        url = f"http://127.0.0.1:{api}"
        processes.until("Restate's API ready", lambda: httpx.get(f"{url}/livez").status_code == 200)
        deployment = {"uri": f"http://127.0.0.1:{handler}"}

        def is_registered() -> bool:
            answer = httpx.post(f"http://127.0.0.1:{admin}/deployments", json=deployment, timeout=30)
            return answer.is_success

        processes.until("Restate ready", is_registered)
        return url

    def rows(self, bench: Bench, processes: Processes) -> str:
        return bench.postgres.run("rows", COUNT).strip()


def contenders(
    server: Path | None, schema: Path | None, before: Path | None
) -> tuple[dict[str, Contender], dict[str, str], dict[str, str]]:
    """By name: who can be measured; the titles of all; and of the others why not.

    ``server`` is the binary of a Resonate server, ``schema`` resonate-pg's SQL, ``before`` another checkout, whose
    tool makes the same services again.
    """
    there: dict[str, Contender] = {
        "restate": Restate("Restate 1.7 (its own store, rows on Postgres)"),
        "dbos": Dbos("DBOS 3.4 (in process, all on Postgres)"),
    }
    titles = {name: contender.title for name, contender in there.items()}
    missing = dict[str, str]()
    needed: Mapping[str, tuple[Path | None, str]] = {
        "resonate-pg": (schema, "RESONATE_PG_SQL names no resonate.sql"),
        "server-sqlite": (server, "RESONATE_SERVER names no binary"),
        "server-postgres": (server, "RESONATE_SERVER names no binary"),
    }
    for suffix, of_title, tool in (("", "", ROOT), *([(BEFORE, ", before", before)] if before else [])):
        for name, title, engine, database in OURS:
            file, why = needed.get(engine, (None, ""))
            titles[name + suffix] = title + of_title
            if why and file is None:
                missing[name + suffix] = why
            else:
                there[name + suffix] = Ours(title + of_title, engine, database, tool, file)
    return there, titles, missing


OURS = (
    ("embedded-sqlite", "embedded engine, rows on SQLite", "embedded", "sqlite"),
    ("embedded-postgres", "embedded engine, rows on Postgres", "embedded", "postgres"),
    ("resonate-pg", "resonate-pg, rows on Postgres", "resonate-pg", "postgres"),
    ("server-sqlite", "Resonate server, all on SQLite", "server-sqlite", "sqlite"),
    ("server-postgres", "Resonate server, all on Postgres", "server-postgres", "postgres"),
)
