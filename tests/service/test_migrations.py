"""`database`: migrations as an owner makes them. Change the models, let Alembic write it, run it; on both databases."""

import importlib.util
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from click.testing import CliRunner
from shop.runtime.cli import commands
from shop.runtime.database import Database, downgrade, migrate, synchronous_url
from shop.runtime.errors import DatabaseUnavailable, SchemaError
from shop.runtime.service import Service
from shop.runtime.testing.databases import Databases, read_rows
from shop.runtime.testing.running import SECRET
from sqlalchemy import create_engine, inspect, make_url, text

from .planting import planted_service
from .telemetry import Log

pytestmark = pytest.mark.usefixtures("no_settings")

SEEDED = ["seed"] if importlib.util.find_spec("shop.db.seed") else []

ENV = """
from {package}.db.models import Base
from shop.runtime.database import run_migrations
from shop.runtime.settings import ServiceSettings

run_migrations(Base.metadata, ServiceSettings)
"""

MODELS = """
from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from shop.runtime.columns import CONSTRAINT_NAMES, EXACT_TYPES, Money


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=CONSTRAINT_NAMES)
    type_annotation_map = EXACT_TYPES
"""

OWNERS = """

class Owner(Base):
    __tablename__ = "owners"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]{unique}
"""

ITEMS = """

class Item(Base):
    __tablename__ = "items"
    __table_args__ = (CheckConstraint("count >= 0", name="not_negative"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[int]{reference}
    count: Mapped[int]
"""

EXACT = """

class Exact(Base):
    __tablename__ = "exact"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    sum: Mapped[Decimal]
    rate: Mapped[Decimal] = mapped_column(Money(9, 6))
"""

UNIQUE = " = mapped_column(unique=True)"
REFERENCE = ' = mapped_column(ForeignKey("owners.id"))'


@dataclass(frozen=True)
class Project:
    """A service with models and migrations of its own, and its database."""

    service: Service
    url: str

    @property
    def versions(self) -> Path:
        return self.service.migrations / "versions"

    def models(self, *classes: str) -> None:
        (self.service.directory / "db" / "models.py").write_text(MODELS + "".join(classes))
        for name in [name for name in sys.modules if name.startswith(f"{self.service.package}.db")]:
            del sys.modules[name]

    def generate(self, message: str) -> str:
        """What Alembic writes for the change of the models; it is run."""
        config = Config()
        config.set_main_option("script_location", str(self.service.migrations))
        config.attributes["url"] = self.url
        before = set(self.versions.glob("*.py"))
        command.revision(config, message, autogenerate=True)
        (made,) = set(self.versions.glob("*.py")) - before
        migrate(self.url, self.service.migrations)
        return made.read_text()

    def write(self, name: str, upgrade: str, after: str | None = None, downgrade: str = "pass") -> None:
        """A migration written by hand."""
        body = [f"revision, down_revision = {name!r}, {after!r}", "import sqlalchemy as sa", "from alembic import op"]
        for title, code in (("upgrade", upgrade), ("downgrade", downgrade)):
            body.append(f"def {title}() -> None:\n{indent(dedent(code).strip(), '    ')}")
        (self.versions / f"{name}.py").write_text("\n".join(body) + "\n")

    def migrate(self) -> bool:
        return migrate(self.url, self.service.migrations)

    def tables(self) -> set[str]:
        return set(read_rows(self.url))

    def execute(self, *statements: str) -> None:
        engine = create_engine(synchronous_url(self.url))
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))
        engine.dispose()

    def constraints(self, table: str) -> set[str | None]:
        engine = create_engine(synchronous_url(self.url))
        inspector = inspect(engine)
        found: list[Any] = [*inspector.get_unique_constraints(table), *inspector.get_foreign_keys(table)]
        found += inspector.get_check_constraints(table)
        engine.dispose()
        return {it["name"] for it in found}


@pytest.fixture
def project(definition: Service, databases: Databases, tmp_path: Path) -> Iterator[Project]:
    url = databases.create_empty()
    template = (definition.migrations / "script.py.mako").read_text()
    files = {"db/models.py": MODELS, "db/migrations/script.py.mako": template, "db/migrations/versions/__init__.py": ""}
    with planted_service(tmp_path, files) as planted:
        (planted.migrations / "env.py").write_text(ENV.format(package=planted.package))
        yield Project(planted, url)
    databases.drop(url)


# Generated


def test_constraints_come_and_go(project: Project) -> None:
    project.models(OWNERS.format(unique=""), ITEMS.format(reference=""))
    project.generate("tables")
    project.execute("INSERT INTO owners (email) VALUES ('ada')", "INSERT INTO items (owner, count) VALUES (1, 2)")

    project.models(OWNERS.format(unique=UNIQUE), ITEMS.format(reference=REFERENCE))
    project.generate("constraints")
    assert project.constraints("owners") == {"uq_owners_email"}
    # The check is still there, too.
    assert project.constraints("items") == {"fk_items_owner_owners", "ck_items_not_negative"}
    with pytest.raises(Exception, match=r"(?i)unique"):
        project.execute("INSERT INTO owners (email) VALUES ('ada')")
    with pytest.raises(Exception, match=r"(?i)check"):
        project.execute("INSERT INTO items (owner, count) VALUES (1, -2)")

    project.models(OWNERS.format(unique=""), ITEMS.format(reference=""))
    assert "drop_constraint" in project.generate("none")
    assert project.constraints("owners") == set()
    assert project.constraints("items") == {"ck_items_not_negative"}
    assert read_rows(project.url)["items"] == ["(1, 1, 2)"]


def test_nothing_is_left_to_generate(project: Project) -> None:
    """Also where Alembic compares types: those of the runtime are written as what they are in the database."""
    project.models(EXACT, OWNERS.format(unique=UNIQUE), ITEMS.format(reference=REFERENCE))
    written = project.generate("tables")
    assert "shop" not in written and "with_variant" in written
    assert project.generate("again").count("pass\n") == 2


def test_a_constraint_written_by_hand_has_a_name(project: Project) -> None:
    project.models(OWNERS.format(unique=UNIQUE))
    project.write(
        "0001",
        """
        columns = sa.Column("id", sa.Integer(), primary_key=True), sa.Column("email", sa.Text(), unique=True)
        op.create_table("owners", *columns)
        """,
    )
    project.migrate()
    assert project.constraints("owners") == {"uq_owners_email"}


# All or nothing

FAILS = """
op.create_table("first", sa.Column("id", sa.Integer(), primary_key=True))
with op.batch_alter_table("owners") as batch:
    batch.create_unique_constraint("uq_owners_email", ["email"])
"""


def test_a_migration_that_fails_leaves_nothing(project: Project) -> None:
    project.models(OWNERS.format(unique=""))
    project.generate("tables")
    project.execute("INSERT INTO owners (email) VALUES ('ada'), ('ada')")
    head = read_rows(project.url)["alembic_version"]
    before = project.tables()

    project.write("0002", "op.create_table('second', sa.Column('id', sa.Integer()))", after=head[0][2:-3])
    project.write("0003", FAILS, after="0002")
    with pytest.raises(SchemaError, match=r"^0003\.py, line 6 failed: .*(?i:unique)") as failed:
        project.migrate()
    assert "as it was" in failed.value.remedy
    assert (project.tables(), read_rows(project.url)["alembic_version"]) == (before, head)

    # What was wrong is corrected, and it runs.
    project.execute("DELETE FROM owners WHERE id = 2")
    assert project.migrate() is True
    assert {"first", "second"} <= project.tables()


def test_rows_whose_owner_is_gone_are_told(project: Project) -> None:
    """Postgres refuses them by itself; SQLite would not."""
    project.models(OWNERS.format(unique=""), ITEMS.format(reference=""))
    project.generate("tables")
    project.execute("INSERT INTO items (owner, count) VALUES (7, 2)")
    project.models(OWNERS.format(unique=""), ITEMS.format(reference=REFERENCE))
    with pytest.raises(SchemaError, match="items"):
        project.generate("reference")
    assert project.constraints("items") == {"ck_items_not_negative"}


def test_rows_that_refer_to_a_table_survive_its_change(project: Project) -> None:
    """On SQLite a change makes the table anew, which must not delete what refers to it."""
    cascades = ' = mapped_column(ForeignKey("owners.id", ondelete="CASCADE"))'
    project.models(OWNERS.format(unique=""), ITEMS.format(reference=cascades))
    project.generate("tables")
    project.execute("INSERT INTO owners (email) VALUES ('ada')", "INSERT INTO items (owner, count) VALUES (1, 2)")
    project.models(OWNERS.format(unique=UNIQUE), ITEMS.format(reference=cascades))
    project.generate("unique")
    assert read_rows(project.url)["items"] == ["(1, 1, 2)"]


# Older and newer code


@pytest.fixture
def newer(project: Project) -> Project:
    """A database that newer code has migrated further."""
    project.write("0001", "op.create_table('first', sa.Column('id', sa.Integer()))", downgrade="op.drop_table('first')")
    project.write("0002", "op.add_column('first', sa.Column('more', sa.Integer()))", after="0001")
    project.migrate()
    (project.versions / "0002.py").unlink()
    return project


async def test_a_database_ahead_of_the_code_will_do(newer: Project, log: Log) -> None:
    async with Database(newer.url) as database:
        await database.check_schema(newer.service.migrations)
    assert "the database is ahead of this code: it is at migration 0002" in log.text


def test_migrate_leaves_a_database_that_is_ahead(newer: Project) -> None:
    done = CliRunner().invoke(commands(newer.service, ""), ["migrate"], env={"DATABASE_URL": newer.url})
    assert (done.exit_code, done.output) == (0, "the database is ahead of this code: nothing to migrate\n")
    with pytest.raises(SchemaError, match="at migration 0002, which this code does not have"):
        downgrade(newer.url, newer.service.migrations, "0001")
    assert read_rows(newer.url)["alembic_version"] == ["('0002',)"]


async def test_a_database_behind_the_code_is_refused(newer: Project) -> None:
    newer.write("0002", "pass", after="0001")
    newer.write("0003", "pass", after="0002")
    async with Database(newer.url) as database:
        with pytest.raises(SchemaError, match="the database is at migration 0002, the code needs 0003"):
            await database.check_schema(newer.service.migrations)
        newer.migrate()
        await database.check_schema(newer.service.migrations)


def test_downgrade(newer: Project) -> None:
    newer.write("0002", "pass", after="0001", downgrade="op.drop_column('first', 'more')")
    done = CliRunner().invoke(commands(newer.service, ""), ["downgrade", "-1"], env={"DATABASE_URL": newer.url})
    assert (done.exit_code, done.output) == (0, "the database is back: -1\n")
    assert read_rows(newer.url)["alembic_version"] == ["('0001',)"]
    downgrade(newer.url, newer.service.migrations, "base")
    assert newer.tables() == {"alembic_version"}
    with pytest.raises(SchemaError, match="cannot run"):
        downgrade(newer.url, newer.service.migrations, "-1")


def test_two_heads_are_told(newer: Project) -> None:
    newer.write("0002", "pass", after="0001")
    newer.write("0002b", "pass", after="0001")
    with pytest.raises(SchemaError, match="the migrations cannot run: Multiple head") as refused:
        newer.migrate()
    assert "alembic merge heads" in refused.value.remedy


# Several at a time


def test_three_at_once_migrate_once(project: Project) -> None:
    slow = "import time; time.sleep(0.3)\nop.create_table('first', sa.Column('id', sa.Integer()))"
    project.write("0001", slow)
    outcomes = at_once(project, 3)
    assert outcomes == [0, 0, 0]
    assert read_rows(project.url)["alembic_version"] == ["('0001',)"]


RUN = """
import sys
from pathlib import Path
from shop.runtime.database import migrate

migrate(sys.argv[1], Path(sys.argv[2]))
"""


def at_once(project: Project, number: int) -> list[int]:
    paths = os.pathsep.join([str(Path.cwd()), *sys.path])
    argv = [sys.executable, "-c", RUN, project.url, str(project.service.migrations)]
    running = [subprocess.Popen(argv, env=os.environ | {"PYTHONPATH": paths}) for _ in range(number)]
    return [process.wait(60) for process in running]


@pytest.mark.postgres
def test_a_migration_waits_for_one_that_runs(project: Project, log: Log) -> None:
    project.write("0001", "op.create_table('first', sa.Column('id', sa.Integer()))")
    with psycopg.connect(project.url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (int.from_bytes(b"migrates"),))
        waiting = threading.Thread(target=project.migrate)
        waiting.start()
        time.sleep(0.5)
        assert project.tables() == set()
        other.execute("SELECT pg_advisory_unlock_all()")
        waiting.join(20)
    assert "first" in project.tables()
    assert log.text.count("is being migrated by another process") == 1


@pytest.mark.postgres
def test_an_index_is_made_beside_writers(project: Project) -> None:
    project.write("0001", "op.create_table('first', sa.Column('id', sa.Integer()))")
    index = "op.create_index('ix_first_id', 'first', ['id'], postgresql_concurrently=True)"
    project.write("0002", f"with op.get_context().autocommit_block():\n    {index}", after="0001")
    assert at_once(project, 3) == [0, 0, 0]


@pytest.mark.postgres
def test_a_migration_does_not_wait_for_a_table_for_ever(project: Project) -> None:
    """While it waits, everybody else waits behind it."""
    project.execute("CREATE TABLE first (id INTEGER)")
    project.write("0001", "op.add_column('first', sa.Column('more', sa.Integer()))")
    with psycopg.connect(project.url) as other:
        other.execute("SELECT * FROM first")
        with pytest.raises(SchemaError, match="lock timeout"):
            migrate(project.url, project.service.migrations, timedelta(seconds=0.2))
    assert project.migrate() is True


# A database that is not there


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("postgresql://ada:hunter2@127.0.0.1:9/shop", "postgresql://127.0.0.1:9/shop cannot be reached: connection"),
        (
            "postgresql://ada:hunter2@nowhere.invalid/shop?sslmode=disable",
            "postgresql://nowhere.invalid/shop cannot be",
        ),
        ("sqlite:////nowhere/at/all/shop.db", "sqlite:////nowhere/at/all/shop.db cannot be reached: unable to open"),
        ("sqlite:///text.db", "sqlite:///text.db cannot be reached: file is not a database"),
    ],
)
@pytest.mark.parametrize("name", [*SEEDED, "migrate", "db", "dev", "downgrade -1"])
def test_a_database_that_is_away_is_said(
    definition: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, problem: str, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.db").write_text("no database " * 100)
    values = {"DATABASE_URL": url, "RESONATE_URL": "http://127.0.0.1:9", "WEBHOOK_SECRETS": f"approvals:{SECRET}"}
    done = CliRunner().invoke(commands(definition, ""), name.split(), env=values)
    assert done.exit_code == 1 and isinstance(done.exception, SystemExit)
    told = [line for line in done.output.splitlines() if not line.startswith("{")]
    assert len(told) == 2 and problem in told[0] and "DATABASE_URL" in told[1]
    assert "hunter2" not in done.output


@pytest.mark.parametrize(
    ("url", "problem"),
    [("postgresql://ada:hunter2@127.0.0.1:9/shop", "cannot be reached"), ("", "DATABASE_URL is not set")],
)
def test_alembic_says_it_too(project: Project, monkeypatch: pytest.MonkeyPatch, url: str, problem: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("NAMESPACE", "planted")
    config = Config()
    config.set_main_option("script_location", str(project.service.migrations))
    # Its command line shows such an error as one line.
    with pytest.raises(CommandError, match=problem) as failed:
        command.revision(config, "x", autogenerate=True)
    assert "hunter2" not in str(failed.value)


def test_a_server_without_the_database(postgres: str, definition: Service) -> None:
    url = make_url(postgres).set(database="none-of-that-name").render_as_string(hide_password=False)
    with pytest.raises(DatabaseUnavailable, match="does not exist"):
        migrate(url, definition.migrations)
