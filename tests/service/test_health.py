"""A worker's health port, and what makes it say no: each fault is made to happen."""

import asyncio
{% if not bare %}import gzip
{% endif %}import shutil
import signal
{% if not bare %}import threading
{% endif %}import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
{% if not bare %}from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
{% endif %}from pathlib import Path
from typing import Any

import httpx
import pytest
{%- if not bare %}
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
{%- endif %}

from {{ package_name }}.health import (
    HealthPortTaken,
    listening,
)
from {{ package_name }}.settings import (
    Settings,
)

from .conftest import SECRET
from .test_processes import PATIENCE, Topology, free_port


def settings(**changed: Any) -> Settings:
    return Settings(webhook_secret=SECRET, database_url="sqlite:///unused.db", _env_file=None, **changed)


def saying(*answers: str | None) -> Callable[[], Awaitable[str | None]]:
    """Trouble, and none, in turn."""
    left = list(answers)

    async def trouble() -> str | None:
        return left.pop(0)

    return trouble


async def test_it_answers_as_the_process_is() -> None:
    port, draining = free_port(), asyncio.Event()
    async with (
        listening(settings(health_port=port), saying(None, "the stream is down", None, None), draining),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
    ):
        answers = [await http.get("/readyz") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 503, 200]
        assert answers[1].json() == {"status": "unavailable", "detail": "the stream is down"}
        assert "engine_up" in (await http.get("/metrics")).text
        draining.set()
        assert [(await http.get(path)).status_code for path in ("/readyz", "/livez", "/else")] == [503, 200, 404]


async def test_a_port_that_is_taken_is_named() -> None:
    port, draining = free_port(), asyncio.Event()
    async with listening(settings(health_port=port), saying(), draining):
        with pytest.raises(HealthPortTaken, match=f"HEALTH_PORT: cannot listen on 127.0.0.1:{port}"):
            async with listening(settings(health_port=port), saying(), draining):
                pass


async def test_no_port_unless_there_is_one() -> None:
    async with listening(settings(), saying(), asyncio.Event()):
        pass


# The processes


class Watched(Topology):
    """The processes with a health port each for the workers."""

    def __init__(self, engine_command: str, directory: Path) -> None:
        super().__init__(engine_command, directory)
        self.health = {name: f"http://127.0.0.1:{free_port()}" for name in ("worker", "db")}

    def start(self, name: str) -> None:
        self.environment["HEALTH_PORT"] = self.health.get(name, "").rpartition(":")[2]
        super().start(name)

    def until(self, name: str, status: int) -> httpx.Response:
        """Ask a worker for its readiness, until it answers so."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with suppress(httpx.TransportError):
                answer = httpx.get(f"{self.health[name]}/readyz", timeout=30)
                if answer.status_code == status:
                    return answer
            time.sleep(0.05)
        raise AssertionError(f"{name} did not answer {status}: {self.logs}")


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    command = shutil.which("resonate-scaffold")
    if command is None:
        pytest.skip("needs `resonate-scaffold engine` on PATH: pip install resonate-scaffold")
    watched = Watched(command, tmp_path)
    yield watched
    for name in list(watched.running):
        watched.stop(name, signal.SIGKILL)


def test_a_worker_is_unready_while_its_engine_is_away(watched: Watched) -> None:
    for name in ("engine", "worker", "db"):
        watched.start(name)
    for name in ("worker", "db"):
        assert watched.until(name, 200).json() == {"status": "ready"}
        assert 'engine_up{part="requests"} 1.0' in httpx.get(f"{watched.health[name]}/metrics").text
    watched.stop("engine", signal.SIGKILL)
    for name in ("worker", "db"):
        assert watched.until(name, 503).json()["detail"] == "the engine does not answer"
        assert httpx.get(f"{watched.health[name]}/livez").status_code == 200
    watched.start("engine")
    for name in ("worker", "db"):
        watched.until(name, 200)
        assert watched.stop(name) == 0
{%- if not bare %}


@pytest.fixture
def collector() -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """An OpenTelemetry collector: its URL, and each span's service, name and trace."""
    spans: list[tuple[str, str, str]] = []

    class Collector(BaseHTTPRequestHandler):
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
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", spans
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_job_is_one_trace_across_processes(
    watched: Watched, collector: tuple[str, list[tuple[str, str, str]]]
) -> None:
    url, spans = collector
    watched.environment |= {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_SERVICE_NAME": "", "OTEL_TRACES_EXPORTER": ""}
    for name in ("engine", "worker", "db", "api"):
        watched.start(name)
    watched.until_ready()
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    httpx.post(
        f"{watched.url}/jobs",
        json={"account_id": "acc-1"},
        headers={"Idempotency-Key": "traced", "traceparent": f"00-{trace}-00f067aa0ba902b7-01"},
    )
    assert watched.get("/jobs/traced", Prefer="wait=20").json()["status"] == "succeeded"
    for name in ("api", "worker", "db"):
        watched.stop(name)  # Which sends what is left.
    service = "{{ project_name | replace('_', '-') }}"
    assert {(where, name) for where, name, of in spans if of == trace} == {
        (f"{service}-api", "POST /jobs"),
        (f"{service}-workers", "process-job"),
        (f"{service}-db", "db.get_account"),
        (f"{service}-db", "db.save_result"),
    }
{%- endif %}
