"""`service`: what the runtime knows of a service, and the mistakes that it refuses at start-up."""

from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from shop.runtime import dev
from shop.runtime.durable.clock import Clock
from shop.runtime.engine.client import EngineClient
from shop.runtime.errors import OperatorError, WiringError
from shop.runtime.service import Service, Worker, functions_of
from shop.runtime.testing.plugin import make_settings

from .planting import planted_service

pytestmark = pytest.mark.usefixtures("no_settings")

CONTRACT = """
from pydantic import BaseModel
from shop.runtime.durable.gate import Gate
from shop.runtime.durable.rpc import Rpc


class Note(BaseModel):
    text: str


note = Rpc(name="note", group="{group}", request=Note, result=Note)
approval = Gate("approve", Note)
"""

USES = """
from .note import note
"""

WORKER = """
from shop.runtime.durable.rpc import serve

from ..contracts.workflows.note import note


@serve(note)
async def keep(ctx, request):
    return request


SERVED = [{served}]
SCHEDULES = []
"""


def test_the_parts_of_a_service(definition: Service) -> None:
    assert definition.directory == Path("shop").resolve()
    assert definition.migrations == definition.directory / "db" / "migrations"
    assert [definition.part(group) for group in ("workers", "db", "pdf-tools")] == ["workflows", "db", "pdf_tools"]
    assert {worker.group for worker in definition.workers()} == set(definition.groups)
    assert definition.stand_ins() == []


def test_contracts_and_gates_are_found(tmp_path: Path) -> None:
    files = {"contracts/workflows/note.py": CONTRACT.format(group="workers"), "contracts/workflows/uses.py": USES}
    with planted_service(tmp_path, {**files, "workflows/worker.py": WORKER.format(served="keep")}) as planted:
        # A contract that is imported into another's module is one contract.
        assert [contract.name for contract in planted.contracts()] == ["note"]
        assert list(planted.gates()) == ["approve"]
        worker = planted.worker("workers")
        assert [entry.name for entry in worker.served] == ["note"]
        assert [entry.name for entry in dev.registrations(planted)] == ["note"]
        assert [function.name for function in functions_of(worker.served)] == ["gate.hold", "schedule.run", "note"]


@pytest.mark.parametrize(
    ("group", "served", "message"),
    [
        ("workers", "", r"note \(version 1\) has a contract, but SERVED of group workers lacks it"),
        ("workers", "keep, keep", r"note \(version 1\) stands twice in SERVED of group workers"),
        ("db", "keep", "note belongs to group db, not workers"),
    ],
)
def test_what_would_wait_for_ever_is_refused(tmp_path: Path, group: str, served: str, message: str) -> None:
    files = {
        "contracts/workflows/note.py": CONTRACT.format(group=group),
        "workflows/worker.py": WORKER.format(served=served),
    }
    with planted_service(tmp_path, files) as planted, pytest.raises(WiringError, match=message):
        planted.worker("workers")


def test_groups_that_are_not_there(definition: Service) -> None:
    for group in ("no-such", "workflows", "api"):
        with pytest.raises(OperatorError, match=f"there is no worker group '{group}'\nGroups: workers, db"):
            definition.worker(group)


def test_stand_ins(tmp_path: Path, definition: Service) -> None:
    with pytest.raises(OperatorError, match="no stand-in for group 'payments'\nGroups that have some: none yet"):
        definition.stand_ins("payments")
    files = {
        "contracts/workflows/note.py": CONTRACT.format(group="payments.workers"),
        "fakes/worker.py": WORKER.format(served="keep"),
    }
    with planted_service(tmp_path, files) as planted:
        assert [entry.name for entry in planted.stand_ins("payments.workers")] == ["note"]
        assert [entry.name for entry in dev.registrations(planted)] == ["note"]
        with pytest.raises(OperatorError, match=r"Groups that have some: payments\.workers"):
            planted.stand_ins("payments")


async def test_a_dependency_is_opened_once(definition: Service) -> None:
    opened, closed = [], []

    @asynccontextmanager
    async def open_printer(settings: Any) -> Any:
        opened.append(settings)
        yield "printer"
        closed.append(settings)

    settings = make_settings(definition)
    workers = [Worker(group, [], [open_printer]) for group in ("one", "other")]
    async with definition.dependencies(settings, workers) as dependencies:
        assert dependencies == [settings, Clock(), "printer"]
        assert (opened, closed) == ([settings], [])
    assert closed == [settings]


async def test_the_api_only_sends(definition: Service) -> None:
    app = definition.api(make_settings(definition, resonate_url="http://127.0.0.1:9", shutdown_grace=0))
    async with app.router.lifespan_context(app):
        client = app.state.client
        assert isinstance(client, EngineClient)
        assert (client.source, client.group) == (None, "api")
