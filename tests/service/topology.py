"""The service as in production: engine, api, worker and db, each a process of its own."""

import gzip
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from resonate_base import PROTOCOL_VERSION
from shop.runtime.testing.running import SECRET, free_port

from .crowd import limit_open_files

PATIENCE = 60
"""Seconds after which what a test waits for counts as never coming."""

WORKERS = ("worker", "db")


class Topology:
    """Four processes, each stopped by its own id. Each has its own settings alone."""

    def __init__(self, engine_command: str, directory: Path, database_url: str, collector_url: str) -> None:
        self.directory = directory
        self.database_url = database_url
        self.running: dict[str, subprocess.Popen[str]] = {}
        self.logs: dict[str, list[str]] = {}
        self.engine_port = free_port()
        self.engine_url = f"http://127.0.0.1:{self.engine_port}"
        self.url = f"http://127.0.0.1:{free_port()}"
        self.health = {name: f"http://127.0.0.1:{free_port()}" for name in WORKERS}
        self._engine = [engine_command, "engine", "--journal", str(directory / "journal")]
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(Path.cwd()),
            "PYTHONUNBUFFERED": "1",
            "RESONATE_URL": self.engine_url,
            "LEASE": "2",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector_url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",  # Milliseconds between exports.
            "OTEL_SERVICE_NAME": "",
            "OTEL_TRACES_EXPORTER": "",
        }
        api = {"WEBHOOK_SECRETS": f"approvals:{SECRET}", "PORT": self.url.rpartition(":")[2]}
        ports = {name: {"HEALTH_PORT": url.rpartition(":")[2]} for name, url in self.health.items()}
        self.settings = {
            "engine": {},
            "api": api,
            "worker": ports["worker"],
            "db": {"DATABASE_URL": database_url, **ports["db"]},
        }

    def command(self, *arguments: str, process: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the service with the settings of one of its processes."""
        return subprocess.run(
            [sys.executable, "-m", "shop", *arguments],
            env={**self._environment, **self.settings[process]},
            cwd=self.directory,
            text=True,
            capture_output=True,
            timeout=30,
            check=False,
        )

    def start(self, name: str) -> None:
        """Start a process; `until_ready` waits for it."""
        command = [sys.executable, "-m", "shop", name]
        if name == "engine":
            command = [*self._engine, "--port", str(self.engine_port)]
        process = subprocess.Popen(
            command,
            env={**self._environment, **self.settings[name]},
            cwd=self.directory,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=limit_open_files if name == "api" else None,
        )
        self.running[name] = process
        lines = self.logs[name] = []
        threading.Thread(target=lambda: lines.extend(process.stdout or ()), daemon=True).start()

    def stop(self, name: str, how: int = signal.SIGTERM) -> int:
        """Stop a process; returns its exit status."""
        process = self.running.pop(name)
        process.send_signal(how)
        try:
            return process.wait(PATIENCE)
        finally:
            with suppress(ProcessLookupError):
                process.kill()

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Ask the API."""
        return httpx.get(self.url + path, headers=headers, timeout=30)

    def ask_engine(self, kind: str, **data: Any) -> int:
        """The status of one request to the engine, by its own protocol."""
        request = {"kind": kind, "head": {"corrId": "test", "version": PROTOCOL_VERSION}, "data": data}
        status: int = httpx.post(self.engine_url, json=request, timeout=30).json()["head"]["status"]
        return status

    def until(self, what: str, holds: Callable[[], object]) -> None:
        """Poll until something holds; fail with the logs, or as soon as a process has ended by itself."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and all(process.poll() is None for process in self.running.values()):
            with suppress(httpx.TransportError):
                if holds():
                    return
            time.sleep(0.02)
        raise AssertionError(f"{what}: not within {PATIENCE} s: {self.logs}")

    def until_health(self, name: str, status: int) -> httpx.Response:
        """Ask a worker for its readiness until it answers so."""
        responses: list[httpx.Response] = []

        def is_so() -> bool:
            responses.append(httpx.get(f"{self.health[name]}/readyz", timeout=30))
            return responses[-1].status_code == status

        self.until(f"{name} answers {status}", is_so)
        return responses[-1]

    def until_ready(self) -> None:
        """Wait for every process that runs."""
        for name in self.running.keys() & set(WORKERS):
            self.until_health(name, 200)
        if "api" in self.running:
            self.until("the API is ready", lambda: self.get("/readyz").status_code == 200)


class Collector:
    """An OpenTelemetry collector, in this process: its URL, and each span's service, name and trace."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, str, str]] = []
        spans = self.spans

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    named = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
                    for scope in resource.scope_spans:
                        spans.extend((named["service.name"], span.name, span.trace_id.hex()) for span in scope.spans)
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Log nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Collector":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
