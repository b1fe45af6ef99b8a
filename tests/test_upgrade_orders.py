"""The order service of version 0.1.0: a bare one, eight commands, and the lines that its owner wrote, upgraded.

The owner's lines stand beside lines that the new version has otherwise: in imports, in functions whose head and whose
calls are new, in tests. All of them come along: the service's own checks pass, its migrations meet its old database.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from resonate_scaffold import __version__
from resonate_scaffold.plan import Create, Delete
from resonate_scaffold.project import MANIFEST, FilesInMemory, Manifest, Project
from resonate_scaffold.upgrade.plan import Upgrade, plan_upgrade
from resonate_scaffold.upgrade.repository import Tree
from tests.past_service import old, write

# What the owner wrote, in the new version's form, by the files that git alone leaves in conflict.
WRITTEN = {
    "orders/db/models.py": [
        "from sqlalchemy import MetaData, String\n",
        "    type_annotation_map = EXACT_TYPES\n\n\nclass Reservation(Base):\n",
    ],
    "orders/db/reserve_stock.py": [
        "from .models import Reservation\n\nPRICE_CENTS = 1250\n",
        "        # with the claim of the operation.\n        session.add(Reservation(id=ctx.info.id, ",
        "            amount_cents=PRICE_CENTS * request.quantity,\n",
    ],
    "orders/workflows/place_order.py": [
        "from ..contracts.workflows.approval import approval\n",
        "from ..runtime.errors import Failure\n",
        "    answer = await approval.wait(ctx, timedelta(hours=24))\n",
        "    charge_result = await charge(\n",
    ],
    "tests/test_route_orders.py": [
        "from orders.contracts.workflows.approval import Approval, approval\n",
        "from orders.runtime.durable.ids import root_id\n",
        '    await service.answer(approval, root_id("order", answer.json()["id"]), Approval(approved=True))\n',
        '        await service.answer(approval, root_id("order", location.removeprefix(f"{POLLED}/")), ',
    ],
    "tests/test_workflow_place_order.py": [
        "async def test_place_order(service: RunningService) -> None:\n"
        '    run = service.run(place_order, "place-order/test", REQUEST)\n',
        'service.answer(approval, "place-order/test", Approval(approved=True))',
        "crashes(place_order, REQUEST, answers={approval: Approval(approved=True)})",
    ],
}
CHECKS = [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]]
OWN_TESTS = ["route_orders", "workflow_place_order", "db_reserve_stock", "webhook_approval", "schema or migrations"]


def planned() -> Upgrade:
    files = old("orders")
    project = Project("orders", Manifest.from_bytes(files[MANIFEST]), FilesInMemory(files))
    return plan_upgrade(project.manifest, project.recorded(), "orders", Tree(files), __version__)


def upgraded(upgrade: Upgrade) -> dict[PurePosixPath, bytes]:
    """The files of the upgraded service."""
    files = dict(old("orders"))
    for change in upgrade.plan.changes:
        if isinstance(change, Delete):
            del files[change.path]
        else:
            files[change.path] = change.content if isinstance(change, Create) else change.after
    return files


def run(python: Path, service: Path, *arguments: str, database: Path) -> str:
    env = {**os.environ, "DATABASE_URL": f"sqlite:///{database}", "WEBHOOK_SECRET": "a-secret-of-version-0.1.0"}
    done = subprocess.run(
        [str(python), "-m", *arguments], cwd=service, env=env, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def upgrade() -> Upgrade:
    return planned()


def test_what_the_owner_wrote_comes_along(upgrade: Upgrade) -> None:
    assert (upgrade.conflicts, upgrade.sides) == ((), {})
    assert (upgrade.unlike, upgrade.refused, upgrade.edited_runtime, upgrade.by_hand) == ((), (), (), ())
    assert upgrade.migrations == ()
    migration = next(path for path in old("orders") if path.name.endswith("_reservations.py"))
    assert migration not in {change.path for change in upgrade.plan.changes}
    files = upgraded(upgrade)
    for path, lines in WRITTEN.items():
        text = files[PurePosixPath(path)].decode()
        assert [line for line in lines if text.count(line) != 1] == [], text


def test_the_order_service_goes_on(upgrade: Upgrade, tmp_path: Path, service_python: Path) -> None:
    database = tmp_path / "service.db"
    before = write(old("orders"), tmp_path / "before")
    run(service_python, before, "orders", "migrate", database=database)
    with sqlite3.connect(database) as connection:
        connection.execute("INSERT INTO reservations VALUES ('order/c-1/42:1', 'chair', 2)")
    after = write(upgraded(upgrade), tmp_path / "after")
    for check in CHECKS:
        run(Path(sys.executable) if check[0] == "ruff" else service_python, after, *check, database=database)
    run(service_python, after, "orders", "migrate", database=database)
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT * FROM reservations").fetchall() == [("order/c-1/42:1", "chair", 2)]
    report = run(
        *(service_python, after, "pytest", "-q", "-p", "no:cacheprovider", "-k", " or ".join(OWN_TESTS)),
        database=database,
    )
    assert " passed" in report or report.count(".") > 20, report
