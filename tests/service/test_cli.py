"""`cli`: what an operator can mend is said in a line or two, and never in a traceback."""

import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from shop.__main__ import main
from shop.runtime.cli import commands
from shop.runtime.database import synchronous_url
from shop.runtime.http.webhooks import Webhook
from shop.runtime.service import Service
from shop.runtime.settings import ServiceSettings, required
from shop.runtime.testing.databases import Databases, read_rows
from sqlalchemy import create_engine, text

from . import notes as note_routes
from .planting import planted_service

SECRETS = "approvals:a-secret-for-tests-only,hook:whsec_dGhpcnR5LXR3byBieXRlcyBmb3IgdGVzdHMgb25seSEh"
COMPLETE = {
    "WEBHOOK_SECRETS": SECRETS,
    "DATABASE_URL": "sqlite:///empty.db",
    "RESONATE_URL": "http://127.0.0.1:9",
}


@pytest.fixture(autouse=True)
def apart(no_settings: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run each command where there is no .env, and where nothing is served; bring the levels of the log back."""

    async def refuse(*_: object) -> None:
        raise AssertionError("it serves")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("shop.runtime.service.serve_group", refuse)
    levels = {name: logging.getLogger(name).level for name in ("", "resonate", *logging.root.manager.loggerDict)}
    yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def run(command: str, group: click.Group = main, **environment: str) -> Result:
    done = CliRunner().invoke(group, command.split(), env={**COMPLETE, **environment})
    assert "Traceback" not in done.output
    assert "a-secret-for-tests-only" not in done.output
    return done


@pytest.mark.parametrize(
    ("environment", "command", "message"),
    [
        ({"WEBHOOK_SECRETS": "a:short"}, "worker", "Error: WEBHOOK_SECRETS: must be webhook:secret,…"),
        ({"LEASE": "soon"}, "worker", "Error: LEASE: "),
        ({"LEASE": "0"}, "worker", "Error: LEASE: Input should be greater than or equal to 1 second\n"),
        ({"NAMESPACE": "Shop"}, "worker", "Error: NAMESPACE: "),
        ({"DATABASE_URL": "mysql://host/shop"}, "db", "Error: DATABASE_URL: must begin with sqlite:///"),
        ({"RESONATE_URL": ""}, "api", "RESONATE_URL is not set: this process needs an engine\n"),
        ({"API_KEYS": "alice: a-secret-for-tests-only"}, "api", "Error: API_KEYS: must be caller:secret"),
        ({"API_KEYS": " "}, "api", "Error: API_KEYS: holds no key"),
        ({"RESONATE_URL": ""}, "worker", "Set it, or run all of it in one process: shop dev"),
        ({"DATABASE_URL": ""}, "db", "DATABASE_URL is not set, and this process needs it\nSet it in the environment "),
        ({"DATABASE_URL": ""}, "migrate", "DATABASE_URL is not set"),
        ({"DATABASE_URL": ""}, "seed", "DATABASE_URL is not set"),
        ({}, "db", "the database is at migration none"),
        ({}, "db", "Run the command `migrate` first."),
        ({}, "group no-such", "there is no worker group 'no-such'\nGroups: workers, db"),
        ({}, "group workflows", "there is no worker group 'workflows'\nGroups: "),
        ({}, "schedules run no-such", "there is no schedule 'no-such'\nSchedules: "),
        ({"RESONATE_URL": ""}, "runs list", "RESONATE_URL is not set, and no `resonate-scaffold dev` runs"),
        ({"RESONATE_URL": ""}, "schedules run nightly", "RESONATE_URL is not set, and no `resonate-scaffold dev` runs"),
        ({"RESONATE_URL": ""}, "runs retry job/one", "RESONATE_URL is not set, and no `resonate-scaffold dev` runs"),
        ({"RESONATE_URL": ""}, "reconcile", "Start it; or: export RESONATE_URL=…"),
        ({}, "fake no-such", "there is no stand-in for group 'no-such'\nGroups that have some: "),
    ],
)
def test_what_is_missing_is_said(environment: dict[str, str], command: str, message: str) -> None:
    done = run(command, main, **environment)
    assert (done.exit_code, isinstance(done.exception, SystemExit)) == (1, True)
    assert message in done.output


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_an_env_file_that_is_not_utf_8_is_said(encoding: str) -> None:
    name = "é" if encoding == "latin-1" else "e"
    Path(".env").write_bytes(f"DATABASE_URL=sqlite:///{name}.db\n".encode(encoding))
    done = run("migrate", DATABASE_URL="")
    assert (done.exit_code, done.output) == (
        1,
        "Error: .env is not UTF-8\nSave it as UTF-8: an editor's `Save with encoding`, or iconv.\n",
    )


def test_an_env_file_with_a_mark_at_its_beginning_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shop.runtime.database.seed", lambda url, package: url == "sqlite:///é.db")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    Path(".env").write_text("DATABASE_URL=sqlite:///é.db\n", "utf-8-sig")
    done = CliRunner().invoke(main, ["seed"])
    assert (done.exit_code, done.output) == (0, "the rows of db/seed.py are there\n")


SIGNED = """
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI
from shop.runtime.http.app import install
from shop.runtime.http.webhooks import Signed, Webhook

router = APIRouter()


@router.post("/hook")
async def hook(signed: Annotated[Signed, Depends(Webhook("hook"))]) -> None: ...


def create_app(settings, lifespan):
    app = FastAPI(lifespan=lifespan)
    install(app, settings, [router])
    return app
"""


@pytest.mark.parametrize(
    ("secrets", "problem"),
    [
        ("", "has no secret of the webhook hook, and this process needs it"),
        ("approvals:a-secret-for-tests-only", "has no secret of the webhook hook, and this process needs it"),
        ("hook:a-secret-for-tests-only", "a secret of the webhook hook is refused: it is not whsec_ and the base64 of"),
        ("hook:whsec_dG9vIHNob3J0IQ==", "a secret of the webhook hook is refused: it is not whsec_ and the base64 of"),
    ],
)
def test_the_api_needs_the_secret_of_every_webhook(tmp_path: Path, secrets: str, problem: str) -> None:
    with planted_service(tmp_path, {"api/app.py": SIGNED}) as planted:
        done = run("api", commands(planted, "A planted service."), WEBHOOK_SECRETS=secrets)
    assert done.exit_code == 1 and problem in done.output.splitlines()[0]
    assert "Traceback" not in done.output and ".env.example says how" in done.output.splitlines()[1]


@pytest.mark.parametrize(
    ("missing", "problem"),
    [("DATABASE_URL", "DATABASE_URL is not set"), ("WEBHOOK_SECRETS", "WEBHOOK_SECRETS has no secret of the webhook")],
)
@pytest.mark.parametrize("command", ["dev", "dev --no-reload"])
def test_dev_needs_what_its_parts_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str, problem: str, command: str
) -> None:
    """It says so itself: where it reloads, the process that it starts would only show a traceback."""
    served = []
    monkeypatch.setattr("shop.runtime.http.server.serve", lambda *given, **options: served.append(given))
    monkeypatch.setattr("shop.runtime.database.migrate", lambda *given: True)
    monkeypatch.setattr("shop.runtime.local_postgres.is_installed", lambda: False)
    with planted_service(tmp_path, {"api/app.py": SIGNED}) as planted:
        done = run(command, commands(planted, ""), **{missing: ""})
        assert done.exit_code == 1 and problem in done.output and ", and this process needs it" in done.output
        assert served == []
        assert run(command, commands(planted, "")).exit_code == 0
    assert len(served) == 1


CLOCKED = """
from datetime import timedelta
from pydantic import BaseModel
from shop.runtime.durable.rpc import Rpc
from shop.runtime.durable.schedules import Schedule


class Tidy(BaseModel):
    pass


tidy = Rpc("tidy", "payments.workers", Tidy, Tidy, timedelta(minutes=1))
SERVED = []
SCHEDULES = [Schedule("nightly", "0 2 * * *", tidy, Tidy()), Schedule("SECOND", "CRON", tidy, Tidy())]
"""


@pytest.mark.parametrize(
    ("second", "cron", "message"),
    [
        ("late", "0 22-2 * * *", "schedule late, cron '0 22-2 * * *': not every engine knows '22-2'\nWrite "),
        ("nightly", "0 3 * * *", "two schedules are called nightly\nGive each entry of SCHEDULES a name of its own."),
    ],
)
@pytest.mark.parametrize("command", ["worker", "run-schedule nightly"])
def test_a_schedule_that_would_not_run_everywhere_is_refused(
    tmp_path: Path, command: str, second: str, cron: str, message: str
) -> None:
    clocked = CLOCKED.replace("SECOND", second).replace("CRON", cron)
    with planted_service(tmp_path, {"workflows/worker.py": clocked}) as planted:
        done = run(command, commands(planted, ""))
    assert (done.exit_code, done.output.startswith(f"Error: {message}")) == (1, True), done.output


def test_run_schedule_says_when_the_engine_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shop.runtime.engine.client.REQUEST_TIMEOUT", 0.2)
    clocked = CLOCKED.replace("SECOND", "weekly").replace("CRON", "0 3 * * SUN")
    with planted_service(tmp_path, {"workflows/worker.py": clocked}) as planted:
        done = run("run-schedule nightly", commands(planted, ""))
    assert done.exit_code == 1
    assert "Error: the engine did not answer: TimeoutError\nIs RESONATE_URL right, " in done.output


@pytest.mark.parametrize("command", ["run-schedule nightly", "schedules run nightly", "reconcile --again job/a"])
def test_commands_beside_dev_find_what_it_runs(
    command: str, definition: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`dev` says where its engine and its database are, in files that go when it ends."""
    found: list[tuple[ServiceSettings, str]] = []

    async def run_schedule(_: Service, settings: ServiceSettings, name: str) -> str:
        found.append((settings, name))
        return "a run"

    async def reconcile(
        _: Service, settings: ServiceSettings, jobs: Sequence[str], *, again: bool
    ) -> AsyncIterator[str]:
        found.append((settings, f"{jobs} {again}"))
        yield "done again"

    monkeypatch.setattr(Service, "run_schedule", run_schedule)
    monkeypatch.setattr(Service, "reconcile", reconcile)
    for name in ("RESONATE_URL", "RESONATE_TOKEN", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    Path(".resonate").mkdir()
    Path(".resonate", "engine.env").write_text("RESONATE_URL=http://127.0.0.1:8003\nRESONATE_TOKEN=of-the-run\n")
    Path(".resonate", "postgres.url").write_text("postgresql:///shop?host=/here")
    Path(".env").write_text("RESONATE_URL=\nDATABASE_URL=\nSHUTDOWN_GRACE=3\n")
    done = CliRunner().invoke(commands(definition, ""), command.split())
    assert done.exit_code == 0, done.output
    ((settings, given),) = found
    assert given in ("nightly", "('job/a',) True")
    assert required(settings.resonate_url, "") == "http://127.0.0.1:8003"
    assert required(settings.resonate_token, "") == "of-the-run"
    assert required(settings.database_url, "") == "postgresql:///shop?host=/here"
    assert settings.shutdown_grace.total_seconds() == 3


def test_a_secret_for_a_webhook(definition: Service) -> None:
    made = [run("webhook-secret hook", commands(definition, "")).output.strip() for _ in range(2)]
    settings = definition.settings(webhook_secrets=",".join(made), _env_file=None)
    assert [f"hook:{secret}" for secret in settings.secrets_of("hook")] == made
    Webhook("hook").check_secrets(settings)


def test_made_keys_are_good_ones(definition: Service) -> None:
    made = [run("api-key alice", commands(definition, "")).output.strip() for _ in range(2)]
    settings = definition.settings(api_keys=",".join(made), _env_file=None)
    assert [f"{caller}:{secret.decode()}" for caller, secret in settings.callers] == made
    settings.check_access(asks_for_keys=True)


@pytest.mark.parametrize("command", ["api-key", "webhook-secret"])
@pytest.mark.parametrize("name", ["al ice", "a,b", "a:b", ""])
def test_an_entry_that_would_be_refused_is_not_made(definition: Service, command: str, name: str) -> None:
    done = CliRunner().invoke(commands(definition, ""), [command, name])
    assert done.exit_code == 2 and "a name is [a-z0-9-]" in done.output


@pytest.mark.parametrize("command", ["api", "dev"])
@pytest.mark.parametrize(
    ("keys", "refusal"),
    [
        ("", "API_KEYS is empty and HOST is 0.0.0.0: other machines could call every route\n"),
        ("alice:a-secret", "API_KEYS: a key of alice has less than 20 characters, and could be guessed\n"),
        ("none", None),
        ("alice:0123456789-0123456789", None),
    ],
)
def test_an_api_that_others_could_call_is_not_served(
    command: str, keys: str, refusal: str | None, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    served: list[object] = []
    monkeypatch.setattr("shop.api.app.ROUTERS", [note_routes.router])
    monkeypatch.setattr("shop.runtime.http.server.serve", lambda app, *_, **__: served.append(app))
    done = run(command, API_KEYS=keys, HOST="0.0.0.0", DATABASE_URL=database_url)
    if refusal is None:
        assert (done.exit_code, len(served)) == (0, 1), done.output
    else:
        assert (done.exit_code, served) == (1, []) and refusal in done.output


def test_the_commands_of_every_service(definition: Service) -> None:
    done = CliRunner().invoke(commands(definition, "What it does."), ["--help"])
    assert done.exit_code == 0 and "What it does." in done.output
    names = {
        "api",
        "worker",
        "db",
        "group",
        "fake",
        "dev",
        "console",
        "postgres",
        "prune",
        "migrate",
        "downgrade",
        "seed",
        "reconcile",
        "runs",
        "answer",
        "schedules",
        "record",
        "contracts",
        "run-schedule",
        "engine",
        "webhook-secret",
        "api-key",
    }
    assert names == set(commands(definition, "").commands) <= set(main.commands)


def test_a_database_that_is_away_tells_no_password() -> None:
    done = run("db", DATABASE_URL="postgresql://user:hunter2-hunter2@127.0.0.1:9/none")
    assert done.exit_code == 1
    assert "hunter2" not in done.output + str(done.exception)


# The database


def notes(url: str) -> int:
    engine = create_engine(synchronous_url(url))
    with engine.connect() as connection:
        count: int = connection.execute(text("SELECT count(*) FROM operations WHERE id = 'db/op/seeded'")).scalar_one()
    engine.dispose()
    return count


SEED = """
from shop.runtime.database import Operation


def seed(session):
    session.merge(Operation(id="db/op/seeded", request="r", result=None))
"""


@pytest.mark.parametrize("command", ["migrate --seed", "seed"])
def test_rows_for_development_are_added(
    databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    url = databases.create()
    monkeypatch.setattr("shop.runtime.database.migrate", lambda *given: True)
    with planted_service(tmp_path, {"db/seed.py": SEED}) as planted:
        for _ in range(2):  # Twice is harmless.
            done = run(command, commands(planted, ""), DATABASE_URL=url)
            assert done.exit_code == 0 and done.output.endswith("the rows of db/seed.py are there\n")
            assert notes(url) == 1
    databases.drop(url)


def test_a_service_without_rows_for_development(databases: Databases, tmp_path: Path) -> None:
    url = databases.create()
    with planted_service(tmp_path) as planted:
        done = run("seed", commands(planted, ""), DATABASE_URL=url)
    assert (done.exit_code, done.output) == (0, "there is no db/seed.py: nothing to add\n")
    databases.drop(url)


def test_migrate(databases: Databases) -> None:
    url = databases.create_empty()
    for _ in range(2):
        done = run("migrate", DATABASE_URL=url)
        assert done.exit_code == 0 and done.output.endswith("the database is up to date\n")
        assert {"operations", "alembic_version"} <= read_rows(url).keys()
    databases.drop(url)
