"""Clients that keep connections for themselves take nothing from others."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

import httpx
import pytest
from shop.runtime.testing.databases import Databases
from shop.runtime.testing.running import SECRET, free_port

from .crowd import crowd, limit_open_files


@pytest.fixture
def dev_port(databases: Databases, no_settings: None, tmp_path: Path) -> Iterator[int]:
    """The port of a process that runs the whole service, by the command `dev`, under a low limit of open files."""
    url, port = databases.create_empty(), free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path.cwd()),
        "WEBHOOK_SECRETS": f"approvals:{SECRET}",
        "DATABASE_URL": url,
        "PORT": str(port),
    }
    command = [sys.executable, "-m", "shop", "dev", "--no-reload"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env=environment, cwd=tmp_path, stdout=log, stderr=log, preexec_fn=limit_open_files
        )
        try:
            deadline = monotonic() + 60
            while True:
                with suppress(httpx.TransportError):
                    if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                        break
                assert process.poll() is None and monotonic() < deadline, (tmp_path / "log").read_text()
                sleep(0.05)
            yield port
        finally:
            process.terminate()
            process.wait(30)
    databases.drop(url)


def test_idle_and_slow_clients_stop_nobody(dev_port: int) -> None:
    took = []
    with crowd(dev_port, b"/nowhere"):
        for _ in range(20):
            started = monotonic()
            assert httpx.get(f"http://127.0.0.1:{dev_port}/readyz", timeout=30).json() == {"status": "ready"}
            took.append(monotonic() - started)
    assert max(took) < 5, took
