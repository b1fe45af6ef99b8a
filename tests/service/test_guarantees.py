"""`testing.guarantees`: each finds the mistake that it is there for."""

import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from shop.runtime.errors import WiringError
from shop.runtime.service import Service
from shop.runtime.settings import ServiceSettings
from shop.runtime.testing import guarantees
from shop.runtime.testing.history import History
from shop.runtime.testing.running import StartService

from .planting import APP, planted_service

pytestmark = pytest.mark.usefixtures("no_settings")


def request_in(directory: Path, test: str = "tests/test_guarantees.py") -> pytest.FixtureRequest:
    """What a test would be given whose service is in this directory."""
    fake = SimpleNamespace(config=SimpleNamespace(rootpath=directory), path=directory / test)
    return cast("pytest.FixtureRequest", fake)


# Imports

ALLOWED = {
    "ids.py": "",
    "settings.py": "from . import ids\nfrom .runtime import settings\n",
    "runtime/settings.py": "import json\n",
    "runtime/http/app.py": "from .. import settings\n",
    "contracts/note.py": "from ..runtime import settings\n",
    "db/note.py": "from . import models\nfrom ..contracts import note\nfrom .. import ids\n",
    "db/models.py": "",
    "db/queries/list_notes.py": "from .. import models\n",
    "db/queries_of_old.py": "",
    "workflows/note.py": "from ..contracts import note\nfrom ..runtime import settings\nfrom .. import ids\n",
    "api/notes.py": "from ..contracts import note\nfrom ..db.queries import list_notes\nfrom .. import ids\n",
    "__main__.py": "from . import api, db, workflows\n",
}


def test_imports_that_are_allowed(tmp_path: Path) -> None:
    with planted_service(tmp_path, ALLOWED) as planted:
        guarantees.imports_point_inward(planted)


@pytest.mark.parametrize(
    ("importer", "code", "imported"),
    [
        ("api/bad.py", "from ..db import note", "db.note"),
        ("api/bad.py", "from ..db.models import Base", "db.models"),
        ("api/bad.py", "from ..db import queries_of_old", "db.queries_of_old"),
        ("api/bad.py", "def late():\n    from ..db import note\n", "db.note"),
        ("api/bad.py", "from ..workflows.note import run", "workflows.note"),
        ("workflows/bad.py", "from ..db import note", "db.note"),
        ("workflows/bad.py", "from ..db.queries import list_notes", "db.queries.list_notes"),
        ("workflows/bad.py", "from ..api import notes", "api.notes"),
        ("db/bad.py", "from ..workflows import note", "workflows.note"),
        ("db/bad.py", "from ..api import notes", "api.notes"),
        ("contracts/bad.py", "from ..db import models", "db.models"),
        ("contracts/bad.py", "from .. import ids", "ids"),
        ("ids.py", "from .db import models", "db.models"),
        ("runtime/bad.py", "from .. import ids", "ids"),
        ("runtime/bad.py", "from ..contracts import note", "contracts.note"),
        ("runtime/http/bad.py", "from ...api import notes", "api.notes"),
        ("runtime/bad.py", "from ..settings import Settings", "settings"),
    ],
)
def test_imports_that_are_not(tmp_path: Path, importer: str, code: str, imported: str) -> None:
    with planted_service(tmp_path, {**ALLOWED, importer: code}) as planted:
        module = importer.removesuffix(".py").replace("/", ".")
        with pytest.raises(AssertionError) as failed:
            guarantees.imports_point_inward(planted)
        assert str(failed.value).splitlines()[0] == f"{planted.package}.{module} imports {planted.package}.{imported}"


# The database

COLUMNS = """
from datetime import datetime
from decimal import Decimal

from shop.runtime.columns import CONSTRAINT_NAMES, EXACT_TYPES, Money
from sqlalchemy import DateTime, Float, MetaData, Numeric
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=CONSTRAINT_NAMES)
    {types}


class Payment(Base):
    __tablename__ = "payments"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]{at}
    amount: Mapped[Decimal]{amount}
    rate: Mapped[Decimal] = mapped_column(Money(9, 6))
    share: Mapped[float]
"""
EXACT = "type_annotation_map = EXACT_TYPES"


def test_columns_that_are_exact(tmp_path: Path) -> None:
    with planted_service(tmp_path, {"db/models.py": COLUMNS.format(types=EXACT, at="", amount="")}) as planted:
        guarantees.columns_are_exact(planted)


@pytest.mark.parametrize(
    ("types", "at", "amount", "wrong"),
    [
        ("", "", "", {"at", "amount"}),
        (EXACT, " = mapped_column(DateTime(timezone=True))", "", {"at"}),
        (EXACT, "", " = mapped_column(Numeric(20, 2))", {"amount"}),
        (EXACT, "", " = mapped_column(Float(asdecimal=True))", {"amount"}),
    ],
)
def test_columns_that_are_not(tmp_path: Path, types: str, at: str, amount: str, wrong: set[str]) -> None:
    models = COLUMNS.format(types=types, at=at, amount=amount)
    with planted_service(tmp_path, {"db/models.py": models}) as planted:
        with pytest.raises(AssertionError) as failed:
            guarantees.columns_are_exact(planted)
        assert set(re.findall(r"payments\.(\w+) is a", str(failed.value))) == wrong


# Registration

NOTE = """
from pydantic import BaseModel
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.durable.schedules import Schedule


class Note(BaseModel):
    text: str = ""


note = Rpc(name="note", group="workers", request=Note, result=Note)
other = Rpc(name="other", group="workers", request=Note, result=Note)


@serve(note)
async def keep(ctx, request):
    return request
"""
WORKFLOWS = NOTE + "\n\nSERVED = [keep]\nSCHEDULES = []\n"
SERVED_TWICE = """
from ..workflows.worker import keep

SERVED = [keep]
"""


def test_a_service_whose_functions_are_registered(tmp_path: Path) -> None:
    files = {"contracts/note.py": NOTE.replace("other = ", "_ = "), "workflows/worker.py": WORKFLOWS}
    with planted_service(tmp_path, {"workflows/worker.py": WORKFLOWS}) as planted:
        guarantees.contracts_are_served(planted)
    with planted_service(tmp_path, files) as planted, pytest.raises(WiringError, match="other"):
        guarantees.contracts_are_served(planted)


def test_a_worker_whose_folder_is_in_no_group(tmp_path: Path) -> None:
    files, message = {"reports/worker.py": "SERVED = []\n"}, r"GROUPS is not what has a worker\.py"
    with planted_service(tmp_path, files) as planted, pytest.raises(AssertionError, match=message):
        guarantees.contracts_are_served(planted)
    with planted_service(tmp_path, files, groups=("workers", "db", "reports")) as planted:
        guarantees.contracts_are_served(planted)


def test_a_function_that_is_served_twice(tmp_path: Path) -> None:
    files = {"workflows/worker.py": WORKFLOWS, "fakes/worker.py": SERVED_TWICE}
    with planted_service(tmp_path, files) as planted, pytest.raises(AssertionError, match="a function is served twice"):
        guarantees.contracts_are_served(planted)


@pytest.mark.parametrize(
    ("schedules", "holds"),
    [
        ('Schedule("a", "0 0 * * *", keep, Note()), Schedule("b", "0 0 * * *", note, Note())', True),
        ('Schedule("a", "0 0 * * *", keep, Note()), Schedule("a", "0 1 * * *", keep, Note())', False),
        ('Schedule("a", "0 0 * * *", other, Note())', False),
    ],
    ids=["good", "a name twice", "not served"],
)
def test_schedules(tmp_path: Path, schedules: str, holds: bool) -> None:
    with planted_service(
        tmp_path, {"workflows/worker.py": f"{NOTE}\n\nSERVED = [keep]\nSCHEDULES = [{schedules}]\n"}
    ) as planted:
        if holds:
            guarantees.schedules_start_what_is_served(planted)
        else:
            with pytest.raises((AssertionError, WiringError)):
                guarantees.schedules_start_what_is_served(planted)


# Settings


def test_a_setting_that_is_not_explained(definition: Service, tmp_path: Path) -> None:
    explained = Path(".env.example").read_text("utf-8")
    file = tmp_path / ".env.example"
    file.write_text(explained)
    guarantees.settings_are_explained(definition, request_in(tmp_path))
    for name in ("DATABASE_URL", "NAMESPACE", "MAX_RUNS"):
        file.write_text(explained.replace(f"\n{name}=", f"\n# Once there was {name}, and now there is not.\nX{name}="))
        with pytest.raises(AssertionError, match=name):
            guarantees.settings_are_explained(definition, request_in(tmp_path))


# The OpenAPI document


def app_with(route: str) -> str:
    return APP.replace("\n\ndef create_app", f"\n\n{route}\n\ndef create_app")


UNDOCUMENTED = """
@router.get("/teapots/{number}")
async def get_teapot(number: int) -> str:
    from shop.runtime.http.problems import Problem

    raise Problem(409, "in-use", "Another one is in it.")
"""
CRASHING = """
from pydantic import BaseModel


class Half(BaseModel):
    number: int


@router.post("/halves")
async def halve(body: Half) -> float:
    return 1 / (body.number % 2)
"""
DOCUMENTED = """
from shop.runtime.http.openapi import problems
from shop.runtime.http.problems import Problem


@router.get("/teapots/{number}", responses=problems((409, "Another one is in it."), (422, "It has no number.")))
async def get_teapot(number: int) -> str:
    raise Problem(409, "in-use", "Another one is in it.")
"""


@pytest.mark.parametrize(
    ("route", "message"),
    [(DOCUMENTED, None), (UNDOCUMENTED, "Undocumented status code"), (CRASHING, "Server error")],
    ids=["documented", "undocumented", "crashing"],
)
def test_responses(tmp_path: Path, database_url: str, route: str, message: str | None) -> None:
    with planted_service(tmp_path, {"api/app.py": app_with(route)}) as planted:
        if message is None:
            guarantees.responses_are_as_documented(planted, database_url, None, False)
            return
        with pytest.raises(BaseException, match=message):
            guarantees.responses_are_as_documented(planted, database_url, None, False)


BOUND = """
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from shop.runtime.http.webhooks import Signed, Webhook

router = APIRouter()
webhook = Webhook("hook")


@router.post("/hook{path}")
async def hook({parameter}signed: Annotated[Signed, Depends(webhook)]) -> None: ...


ROUTERS = [router]
"""


@pytest.mark.parametrize(
    ("path", "parameter", "unbound"),
    [
        ("", "", None),
        ("/{id}", "id: str, ", "/hook/{id} reads id"),
        ("/{id:path}", "id: str, ", "/hook/{id:path} reads id"),
        ("", "job: str, ", "/hook reads job"),
        ("", "x_job: Annotated[str, Header()], ", "/hook reads x_job"),
    ],
)
def test_webhooks_that_read_what_is_not_signed(tmp_path: Path, path: str, parameter: str, unbound: str | None) -> None:
    app = BOUND.replace("{path}", path).replace("{parameter}", parameter)
    with planted_service(tmp_path, {"api/app.py": app}) as planted:
        if unbound is None:
            guarantees.webhooks_are_bound_to_what_they_sign(planted)
            return
        with pytest.raises(AssertionError, match=re.escape(f"{unbound}: take it from the signed body")):
            guarantees.webhooks_are_bound_to_what_they_sign(planted)


async def test_hostile_bodies(start_service: StartService) -> None:
    from fastapi import APIRouter, Request

    async with start_service() as service:
        await guarantees.hostile_bodies_are_refused(service)
        router = APIRouter()

        @router.post("/anything", openapi_extra={"requestBody": {"content": {"application/json": {"schema": {}}}}})
        async def take_anything(request: Request) -> int:
            return len(await request.body())

        service.app.include_router(router)
        service.app.openapi_schema = None
        with pytest.raises(AssertionError):
            await guarantees.hostile_bodies_are_refused(service)


# Histories and crashes


def history_of(workflow: str, **changed: Any) -> str:
    history = {
        "workflow": workflow,
        "version": 1,
        "id": "record/note",
        "timeout_at": 2**60,
        "request": {"text": "a"},
        "calls": [],
        "outcome": {"state": "resolved", "value": {"text": "a"}},
        **changed,
    }
    return History.model_validate(history).text()


async def test_histories(tmp_path: Path, settings: ServiceSettings) -> None:
    histories = tmp_path / "histories"
    histories.mkdir()
    with planted_service(tmp_path, {"workflows/worker.py": WORKFLOWS}) as planted:
        await guarantees.workflows_do_what_their_histories_say(planted, histories, settings)  # There are none.
        (histories / "note-v1.json").write_text(history_of("note"))
        await guarantees.workflows_do_what_their_histories_say(planted, histories, settings)
        outcome = {"state": "resolved", "value": {"text": "b"}}
        (histories / "note-v1-other.json").write_text(history_of("note", outcome=outcome))
        (histories / "gone-v1.json").write_text(history_of("gone"))
        with pytest.raises(pytest.fail.Exception) as failed:
            await guarantees.workflows_do_what_their_histories_say(planted, histories, settings)
    message = str(failed.value)
    assert "gone (version 1), history gone-v1.json: it is no longer served." in message
    assert (
        'note (version 1), history note-v1-other.json: it ended with {"text": "b"}, now with {"text": "a"}' in message
    )
    assert "note-v1.json" not in message


def copy_service(definition: Service, directory: Path) -> Path:
    """Copy the service, without its tests, into a directory; returns the copy of its package."""
    shutil.copytree(definition.directory, directory / "shop")
    shutil.copy("pyproject.toml", directory)
    (directory / "tests").mkdir()
    for name in ("__init__.py", "conftest.py"):
        shutil.copy(Path("tests", name), directory / "tests")
    return directory / "shop"


CRASHES = '''
"""A workflow whose calls are in the order of a list, and one whose calls are in that of a set."""

from pydantic import BaseModel
from resonate.context import Context

from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.testing.crashes import Crashes


class Words(BaseModel):
    words: list[str] = ["one", "two", "three", "four", "five", "six", "seven"]


class Word(BaseModel):
    word: str


listed = Rpc(name="listed", group="workers", request=Words, result=Words)
gathered = Rpc(name="gathered", group="workers", request=Words, result=Words)
say = Rpc(name="db.say", group="db", request=Word, result=Word)


@serve(listed)
async def in_the_order_of_a_list(ctx: Context, request: Words) -> Words:
    return Words(words=[(await say(ctx, Word(word=word))).word for word in sorted(set(request.words))])


@serve(gathered)
async def in_the_order_of_a_set(ctx: Context, request: Words) -> Words:
    return Words(words=[(await say(ctx, Word(word=word))).word for word in set(request.words)])


@serve(say)
async def repeat(ctx: Context, request: Word) -> Word:
    return request


def test_a_list_survives_crashes(crashes: Crashes) -> None:
    crashes(listed, Words(), served=[in_the_order_of_a_list, repeat])


def test_a_set_survives_crashes(crashes: Crashes) -> None:
    crashes(gathered, Words(), served=[in_the_order_of_a_set, repeat])
'''


async def test_calls_in_the_order_of_a_set(definition: Service, tmp_path: Path) -> None:
    """One interpreter alone cannot find them: it shows in another, which hashes text differently."""
    copy_service(definition, tmp_path)
    test = tmp_path / "tests" / "test_planted.py"
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    test.write_text(CRASHES)
    with pytest.raises(AssertionError, match="PYTHONHASHSEED") as failed:
        await guarantees.calls_do_not_depend_on_hashes(request_in(tmp_path, "tests/test_planted.py"), scratch)
    assert "test_a_set_survives_crashes" in str(failed.value)
    assert "test_a_list_survives_crashes" not in str(failed.value).partition("\n")[0]


# Processes

NEEDS_A_DATABASE = """
from pathlib import Path

from ..runtime.database import OpenDatabase

DEPENDENCIES = [OpenDatabase(Path(__file__).parents[1] / "db" / "migrations")]
"""


def test_a_process_that_needs_the_settings_of_another(definition: Service, database_url: str, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    package = copy_service(definition, tmp_path)
    with (package / "workflows" / "worker.py").open("a") as file:
        file.write(NEEDS_A_DATABASE)
    known = {"groups": definition.groups, "module": definition.module, "has_queries": False}
    planted = SimpleNamespace(package="shop", directory=package, **known)
    with pytest.raises(AssertionError, match="DATABASE_URL is not set, and this process needs it"):
        guarantees.processes_start_and_stop(cast("Service", planted), database_url, None, scratch)
