"""Fixtures of the machinery's tests, beside those of the runtime's own pytest plugin."""

import shutil
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from shop.runtime.service import Service
from shop.runtime.telemetry import tracing
from shop.runtime.testing.databases import Databases, postgres_server
from shop.runtime.testing.running import RunningService, StartService

from . import notes as note_routes, orders as order_routes
from .telemetry import Log, logging_at_debug
from .topology import Collector, Topology


@pytest.fixture
async def notes(start_service: StartService) -> AsyncIterator[RunningService]:
    """The service with the routes of `notes.py`."""
    async with start_service(note_routes.SERVED, sync_wait=10) as service:
        note_routes.include(service.app)
        yield service


@pytest.fixture
async def orders(start_service: StartService) -> AsyncIterator[RunningService]:
    """The service with the routes of `orders.py`."""
    async with start_service(order_routes.SERVED, sync_wait=10) as service:
        order_routes.include(service.app)
        yield service


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of an empty PostgreSQL, whatever database the other tests use."""
    # Not below pytest's own directory: any other session of pytest closes that to the user that Postgres runs as.
    with TemporaryDirectory(ignore_cleanup_errors=True) as directory, postgres_server(Path(directory)) as url:
        yield url


@pytest.fixture
def log() -> Iterator[Log]:
    """What is logged from here on, at DEBUG."""
    with logging_at_debug() as log:
        yield log


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """The spans that end from here on."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.set_provider(provider)
    yield exporter
    tracing.set_provider(None)


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Collects the spans of the processes of `topology`."""
    with Collector() as collector:
        yield collector


@pytest.fixture(scope="session")
def topology(
    definition: Service, databases: Databases, collector: Collector, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Topology]:
    """The service's processes on an engine of their own, for all tests; at the end each must stop cleanly."""
    command = shutil.which("resonate-scaffold")
    if command is None:
        pytest.skip("needs `resonate-scaffold engine` on PATH: pip install resonate-scaffold")
    with pytest.MonkeyPatch.context() as patched:
        for name in definition.settings.model_fields:
            patched.delenv(name.upper(), raising=False)
        topology = Topology(command, tmp_path_factory.mktemp("topology"), databases.create(), collector.url)
    try:
        for name in ("engine", "db", "worker", "api"):
            topology.start(name)
        topology.until_ready()
        yield topology
        topology.until_ready()
        for name in ("api", "worker", "db"):
            told = time.monotonic()
            assert topology.stop(name) == 0, topology.logs
            assert time.monotonic() - told < 10, f"{name} went on for all of SHUTDOWN_GRACE"
    finally:
        for name in list(topology.running):
            topology.stop(name, signal.SIGKILL)
