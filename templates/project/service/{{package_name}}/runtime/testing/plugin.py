"""The pytest plugin of a service: `pytest_plugins = ["<package>.runtime.testing.plugin"]` in tests/conftest.py.

The whole service runs in the test's process, on an engine inside and a database of its own. tests/conftest.py brings
the fixture `definition`, the service's :class:`Service` value; everything else is here.
"""

import os
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import hypothesis
import pytest
from pydantic import BaseModel
from resonate.connections import LocalConnection

from .. import dev
from ..database import Database, migrate, seed
from ..durable.rpc import Registration, Rpc
from ..engine.client import build
from ..engine.worker import register, stop
from ..reads import ReadDatabase
from ..service import Service, functions_of
from ..settings import ServiceSettings
from .crashes import CALLS_TO, Crashes, Sample
from .databases import Databases, PostgresDatabases, SqliteDatabases, postgres_server
from .http_api import watch_fake as watch_fake  # A fixture.
from .recording import secrets_for
from .running import SECRET, CallFunction, RunningService, StartService, run_to_end

KINDS = ("sqlite", "postgres")

# How long an example takes says nothing on a machine that is busy with others.
hypothesis.settings.register_profile("service", deadline=None)
hypothesis.settings.load_profile("service")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the tests of services."""
    group = parser.getgroup("service")
    group.addoption(
        "--database", choices=[*KINDS, "all"], default="sqlite", help="the database of the tests (default: %(default)s)"
    )
    group.addoption(
        "--crashes",
        default="40",
        metavar="N|all",
        help="crash a workflow at N points at most, a fair sample of a longer one's (default: %(default)s)",
    )
    group.addoption("--crash-seed", type=int, metavar="SEED", help="take the sample of crashes that this seed gives")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the seed of this session's crashes."""
    if config.getoption("--crash-seed") is None:
        config.option.crash_seed = random.randrange(10**6)


def pytest_report_header(config: pytest.Config) -> str:
    """Show the seed, which repeats a failure."""
    return (
        f"crashes: {config.getoption('--crashes')} points a workflow, --crash-seed {config.getoption('--crash-seed')}"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """With `--database all`, run what uses a database on each kind."""
    if "database_kind" in metafunc.fixturenames and metafunc.config.getoption("--database") == "all":
        metafunc.parametrize("database_kind", KINDS, indirect=True, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where calls are written down instead of crashed, run only the tests that crash something."""
    if CALLS_TO in os.environ:
        items[:] = [item for item in items if "crashes" in getattr(item, "fixturenames", ())]


@pytest.fixture(scope="session")
def definition() -> Service:
    """What is particular to the service under test; tests/conftest.py overrides it."""
    raise pytest.UsageError("tests/conftest.py must bring a fixture `definition` that returns the Service value")


@pytest.fixture(scope="session")
def database_kind(request: pytest.FixtureRequest) -> str:
    """``sqlite`` or ``postgres``."""
    kind: str = getattr(request, "param", None) or request.config.getoption("--database")
    return kind


@pytest.fixture(scope="session")
def databases(definition: Service, database_kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """Makes databases that are migrated and have the rows of `db/seed.py`."""

    def prepare(url: str) -> None:
        migrate(url, definition.migrations)
        seed(url, definition.package)

    if database_kind == "sqlite":
        yield SqliteDatabases(tmp_path_factory.mktemp("sqlite"), prepare)
        return
    # Not below pytest's own directory: any other session of pytest closes that to the user that Postgres runs as.
    with TemporaryDirectory(ignore_cleanup_errors=True) as directory, postgres_server(Path(directory)) as server:
        yield PostgresDatabases(server, prepare)


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A database of the test's own."""
    url = databases.create()
    yield url
    databases.drop(url)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Sessions of the test's own database, which `service` and `call` use too."""
    async with Database(database_url) as database:
        yield database


@pytest.fixture
async def reads(definition: Service, database_url: str, no_settings: None) -> AsyncIterator[ReadDatabase]:
    """Sessions for queries of the test's own database: `async with reads.session() as session`."""
    settings = make_settings(definition, database_url=database_url)
    async with ReadDatabase(database_url, settings, definition.migrations) as reads:
        yield reads


@pytest.fixture
def no_settings(definition: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take no setting from the environment."""
    for name in definition.settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def settings(definition: Service, no_settings: None) -> ServiceSettings:
    """The service's settings as they are where nothing is set but what is needed."""
    return make_settings(definition)


def make_settings(definition: Service, **values: Any) -> ServiceSettings:
    """Settings for a test, without the `.env` of the directory."""
    defaults: dict[str, Any] = {
        "webhook_secrets": secrets_for(definition, SECRET),
        "database_url": "sqlite:///unused.db",
        "use_fakes": True,
        "allowed_hosts": "*",  # Tests call the service by names of their own.
    }
    return definition.settings(**{**defaults, **values, "_env_file": None})


@pytest.fixture
def start_service(definition: Service, database_url: str, no_settings: None) -> StartService:
    """Starts the service: `async with start_service(api_keys="alice:secret1") as service`."""

    @asynccontextmanager
    async def start(served: Sequence[Registration] = (), **values: Any) -> AsyncIterator[RunningService]:
        settings = make_settings(definition, **{"database_url": database_url, **values})
        app = dev.create_app(definition, settings, tick=0.05, extra=served)
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://test") as http,
        ):
            yield RunningService(app, http, settings)

    return start


@pytest.fixture
async def service(start_service: StartService) -> AsyncIterator[RunningService]:
    """The service, running in this process."""
    async with start_service() as service:
        yield service


@pytest.fixture
def call(definition: Service, database_url: str, settings: ServiceSettings) -> CallFunction:
    """Runs durable functions of the service: `await call(get_thing, "test/1", GetThing(…))`.

    Each call has an engine of its own, as after a crash: the same id runs the function again, on the same database.
    """

    async def call[Q: BaseModel, R: BaseModel](contract: Rpc[Q, R], call_id: str, request: Q) -> R:
        worker = definition.worker(contract.group)
        local = LocalConnection(group=worker.group, tick_interval=0.05)
        on_database = make_settings(definition, database_url=database_url)
        async with definition.dependencies(on_database, [worker]) as dependencies:
            namespace = definition.namespace(on_database)
            client = build(on_database, namespace, worker.group, listens=True, waits=True, local=local)
            register(client, functions_of(worker.served), dependencies)
            client.resonate.start()
            try:
                return await run_to_end(client, contract, call_id, request)
            finally:
                await stop(client, on_database.shutdown_grace)

    return call


@pytest.fixture
def crashes(definition: Service, databases: Databases, no_settings: None, request: pytest.FixtureRequest) -> Crashes:
    """Crashes a durable function at its exchanges with the engine: see `crashes`."""
    wanted = request.config.getoption("--crashes")
    most = None if wanted == "all" else int(wanted)
    sample = Sample(most, request.config.getoption("--crash-seed"))
    return Crashes(definition, databases, sample, request.node.nodeid)


@pytest.fixture
def histories(request: pytest.FixtureRequest) -> Path:
    """The directory of the recorded histories: `histories/` beside the test."""
    return request.path.parent / "histories"
