"""What a round runs on: processes with their logs in files, fresh databases, and the peers' packages."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import httpx

from tests.figures import run
from tests.postgres import Cluster

PATIENCE = 60.0
_PINS = Path(__file__).with_name("pins.toml")

# A setting of this run must not become one of a server's, nor one of the machine's that of a service.
_FOREIGN = ("RESONATE_", "RESTATE_", "DBOS_", "VIRTUAL_ENV", "DATABASE_URL", "LOG_", "API_KEYS", "NAMESPACE")


class Processes:
    """The processes of one contender in one round; all are killed at the end. Use it as a context manager."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True)
        self.directory = directory
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *exc: object) -> None:
        for process in self._running.values():
            # Each is a group of its own, since some start others. Nothing in here is used again.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        environment: Mapping[str, str] = MappingProxyType({}),
        cwd: Path | None = None,
    ) -> None:
        """Start a command, with more variables in its environment."""
        with (self.directory / f"{name}.log").open("wb") as log:
            self._running[name] = subprocess.Popen(
                list(map(str, command)),
                cwd=cwd or self.directory,
                env=clean_environment(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def until(self, what: str, holds: Callable[[], bool]) -> None:
        """Wait until that is so; refusals of connections count as not yet."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and all(process.poll() is None for process in self._running.values()):
            with suppress(httpx.TransportError):
                if holds():
                    return
            time.sleep(0.05)
        logs = "".join(f"--- {name}\n{self._end_of_log(name)}" for name in self._running)
        sys.exit(f"error: not {what}: a process has ended, or {PATIENCE:g} s were too short.\n{logs}")

    def _end_of_log(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text("utf-8", "replace")[-2000:]


def clean_environment(more: Mapping[str, str]) -> dict[str, str]:
    """The environment without what services and servers would read as settings."""
    return {**{name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}, **more}


class Postgres:
    """The one server of a run."""

    def __init__(self, directory: Path) -> None:
        directory.parent.mkdir()
        self.cluster = Cluster.make(directory)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Postgres:
        where = subprocess.DEVNULL
        self._process = subprocess.Popen(self.cluster.command, user=self.cluster.user, stdout=where, stderr=where)
        self.cluster.psql("postgres", "SELECT 1")
        return self

    def __exit__(self, *exc: object) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(PATIENCE)

    def make_fresh(self, database: str) -> str:
        """Make an empty database, in the place of an older one of that name; returns its URL."""
        self.cluster.psql("postgres", f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        self.cluster.psql("postgres", f"CREATE DATABASE {database}")
        return self.cluster.url(database)

    def run(self, database: str, statements: str) -> str:
        """Run SQL; what psql prints."""
        return self.cluster.psql(database, statements)


@dataclass(frozen=True)
class Environment:
    """The peers' packages, apart from the project's own."""

    python: Path
    restate_server: Path


def install(directory: Path) -> Environment:
    """Install what is pinned, unless this directory has it."""
    pins = tomllib.loads(_PINS.read_text("utf-8"))
    python, stamp = directory / "python", directory / "installed.json"
    environment = Environment(
        python / "bin" / "python", directory / "node" / "node_modules" / ".bin" / "restate-server"
    )
    if stamp.is_file() and json.loads(stamp.read_text("utf-8")) == pins:
        return environment
    directory.mkdir(parents=True, exist_ok=True)
    uv = (sys.executable, "-m", "uv")
    run(*uv, "venv", "--quiet", "--clear", "--python", sys.executable, python)
    run(*uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", environment.python, *_pinned(pins["pip"]))
    npm = ("npm", "install", "--silent", "--no-fund", "--no-audit", "--ignore-scripts", "--prefix", directory / "node")
    run(*npm, *(f"{name}@{version}" for name, version in pins["npm"].items()))
    stamp.write_text(json.dumps(pins), "utf-8")
    return environment


def _pinned(pins: Mapping[str, str]) -> list[str]:
    return [f"{name}=={version}" for name, version in pins.items()]
