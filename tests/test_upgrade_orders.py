"""The order service of version 0.1.0: a bare one, eight commands, and the lines that its owner wrote, upgraded.

What the owner wrote stands beside lines that the new version has otherwise: each such file is named, and is written
again here as its owner would. Then the service's own checks pass, and its migrations meet its old database.
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

MODELS, RESERVE = PurePosixPath("orders/db/models.py"), PurePosixPath("orders/db/reserve_stock.py")
PLACE = PurePosixPath("orders/workflows/place_order.py")
ROUTE, WORKFLOW = PurePosixPath("tests/test_route_orders.py"), PurePosixPath("tests/test_workflow_place_order.py")

# Text of the new version, and the same with what the owner wrote.
RESOLVED = {
    MODELS: [
        ("import MetaData\n", "import MetaData, String\n"),
        ("import DeclarativeBase\n", "import DeclarativeBase, Mapped, mapped_column\n"),
        (
            "    type_annotation_map = EXACT_TYPES\n",
            '''    type_annotation_map = EXACT_TYPES


class Reservation(Base):
    """Stock that is set aside for an order."""

    __tablename__ = "reservations"

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    sku: Mapped[str] = mapped_column(String(255))
    quantity: Mapped[int]
''',
        ),
    ],
    RESERVE: [
        ("import serve\n", "import serve\nfrom .models import Reservation\n\nPRICE_CENTS = 1250\n"),
        (
            "        return ReserveStockResult(\n"
            "            # Examples: nothing here has these names and types.\n"
            '            reservation_id="example",\n'
            "            amount_cents=1,\n",
            "        session.add(Reservation(id=ctx.info.id, sku=request.sku, quantity=request.quantity))\n"
            "        return ReserveStockResult(\n"
            "            reservation_id=ctx.info.id,\n"
            "            amount_cents=PRICE_CENTS * request.quantity,\n",
        ),
    ],
    PLACE: [
        ("from resonate.context", "from datetime import timedelta\n\nfrom resonate.context"),
        (
            "from ..contracts.workflows.place_order",
            "from ..contracts.workflows.approval import approval\nfrom ..contracts.workflows.place_order",
        ),
        ("import serve\n", "import serve\nfrom ..runtime.errors import Failure\n"),
        (
            "    charge_result = ",
            "    answer = await approval.wait(ctx, timedelta(hours=24))\n"
            "    if answer is None:\n"
            '        raise Failure("approval: nobody answered in time")\n'
            "    if not answer.approved:\n"
            '        raise Failure("the order was not approved")\n'
            "    charge_result = ",
        ),
    ],
    ROUTE: [
        (
            "from orders.contracts",
            "from orders.contracts.workflows.approval import Approval, approval\nfrom orders.contracts",
        ),
        ("from orders.runtime.testing", "from orders.runtime.durable.ids import root_id\nfrom orders.runtime.testing"),
        (
            "    progress = await ended(service, answer",
            '    await service.answer(approval, root_id("order", taken["id"]), Approval(approved=True))\n'
            "    progress = await ended(service, answer",
        ),
        (
            '        await ended(service, location, Authorization="Bearer secret1")\n',
            '        root = root_id("order", location.removeprefix(f"{POLLED}/"))\n'
            "        await service.answer(approval, root, Approval(approved=True))\n"
            '        await ended(service, location, Authorization="Bearer secret1")\n',
        ),
    ],
    WORKFLOW: [
        (
            "from orders.contracts",
            "import asyncio\n\n"
            "from orders.contracts.workflows.approval import Approval, approval\n"
            "from orders.contracts",
        ),
        (
            '    result = await service.run(place_order, "place-order/test", REQUEST)\n',
            '    run = service.run(place_order, "place-order/test", REQUEST)\n'
            '    answered = service.answer(approval, "place-order/test", Approval(approved=True))\n'
            "    result, _ = await asyncio.gather(run, answered)\n",
        ),
        ("crashes(place_order, REQUEST)", "crashes(place_order, REQUEST, answers={approval: Approval(approved=True)})"),
    ],
}
CHECKS = [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]]
OWN_TESTS = ["route_orders", "workflow_place_order", "db_reserve_stock", "webhook_approval", "schema or migrations"]


def planned() -> Upgrade:
    files = old("orders")
    project = Project("orders", Manifest.from_bytes(files[MANIFEST]), FilesInMemory(files))
    return plan_upgrade(project.manifest, project.recorded(), "orders", Tree(files), __version__)


def resolved(upgrade: Upgrade) -> dict[PurePosixPath, bytes]:
    """The files of the upgraded service, its conflicts resolved as the owner would."""
    files = dict(old("orders"))
    for change in upgrade.plan.changes:
        if isinstance(change, Delete):
            del files[change.path]
        else:
            files[change.path] = change.content if isinstance(change, Create) else change.after
    for path, changes in RESOLVED.items():
        text = (upgrade.sides[path].theirs or b"").decode()
        for before, now in changes:
            assert text.count(before) == 1, (path, before)
            text = text.replace(before, now)
        files[path] = text.encode()
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


def test_what_is_in_conflict_is_named(upgrade: Upgrade) -> None:
    """Each edit is in the tree, or in a file that is named; nothing else is in conflict."""
    assert {path for conflict in upgrade.conflicts for path in conflict.paths} == RESOLVED.keys()
    assert (upgrade.unlike, upgrade.refused, upgrade.edited_runtime, upgrade.by_hand) == ((), (), (), ())
    assert upgrade.migrations == ()
    migration = next(path for path in old("orders") if path.name.endswith("_reservations.py"))
    assert migration not in {change.path for change in upgrade.plan.changes}


def test_the_order_service_goes_on(upgrade: Upgrade, tmp_path: Path, service_python: Path) -> None:
    database = tmp_path / "service.db"
    before = write(old("orders"), tmp_path / "before")
    run(service_python, before, "orders", "migrate", database=database)
    with sqlite3.connect(database) as connection:
        connection.execute("INSERT INTO reservations VALUES ('order/c-1/42:1', 'chair', 2)")
    after = write(resolved(upgrade), tmp_path / "after")
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
