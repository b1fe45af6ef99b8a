"""`remove example`: what is left is what `new --bare` makes, and what was added."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path, PurePosixPath

import pytest

from resonate_scaffold.errors import ChangedSince, StillUsed, UsageError
from resonate_scaffold.forms import is_same
from resonate_scaffold.project import Project
from tests.conftest import Tool
from tests.grown import fresh, grown, planned, rewritten
from tests.test_apply import whole
from tests.test_remove import ADDS as ADDED, add, check_style
from tests.test_sequences import listed


def differing(one: Project, other: Project) -> list[str]:
    """The files that differ in more than their layout."""
    paths = one.files.keys() | other.files.keys()
    return [
        str(path)
        for path in sorted(paths)
        if path not in one.files or path not in other.files or not is_same(path, one.files[path], other.files[path])
    ]


def test_leaves_what_new_makes_without_it() -> None:
    assert dict(grown(fresh(bare=False), "remove example").files) == dict(fresh(bare=True).files)


def test_on_a_disk(tool: Tool, tmp_path: Path) -> None:
    options = ("--into", str(tmp_path), "--defaults", "--no-install", "--no-git")
    for name, more in (("one", ()), ("other", ("--bare",))):
        (tmp_path / name).mkdir()
        assert tool("new", "orders", *options[:1], str(tmp_path / name), *options[2:], *more).status == 0
    ran = tool("remove", "example", "--project", str(tmp_path / "one/orders"))
    assert ran.status == 0, ran.err
    one, other = (whole(tmp_path / name / "orders") for name in ("one", "other"))
    assert {path: it for path, it in one.items() if path != ".env"} == {
        path: it for path, it in other.items() if path != ".env"
    }
    again = tool("remove", "example", "--project", str(tmp_path / "one/orders"))
    assert again.status == 0 and "nothing to do" in again.out


def test_what_was_added_stays(tmp_path: Path) -> None:
    project = grown(fresh(bare=False), *map(add, ADDED), "remove example")
    expected = grown(fresh(bare=True), *map(add, ADDED))

    def has(it: Project) -> dict[str, object]:
        # Beside `GET /jobs/{id}` no route is listed at `GET /jobs/shipments`.
        found: dict[str, object] = json.loads(listed(it))
        routes = [route for route in json.loads(listed(it))["routes"] if route["function"] != "list_shipments"]
        return {**found, "routes": routes}

    def others(one: Project, other: Project) -> list[str]:
        """What differs, but for what lists, and migrations, which follow the example's."""
        kept = re.compile(r"\.resonate-scaffold/.*|.*/migrations/.*|.*shipments\.py")
        return [path for path in differing(one, other) if not kept.fullmatch(path)]

    assert has(project) == has(expected)
    assert others(project, expected) == []
    check_style(project, tmp_path)
    for what in reversed(ADDED):
        project = grown(project, f"remove {what}")
    assert others(project, fresh(bare=True)) == []


def test_what_somebody_wrote_beside_it_stays(tmp_path: Path) -> None:
    project = fresh(bare=False)

    def more(path: str, old: str, new: str) -> None:
        nonlocal project
        text = project.files[PurePosixPath(path)].decode()
        assert old in text
        project = rewritten(project, {path: text.replace(old, new, 1).encode()})

    own = "\n\nclass Box(Base):\n    __tablename__ = 'parcels'\n\n    id: Mapped[int] = mapped_column(primary_key=True)"
    text = project.files[PurePosixPath("orders/db/models.py")].decode()
    project = rewritten(project, {"orders/db/models.py": (text + own).encode()})
    more(
        "orders/settings.py",
        '    namespace: str = "orders"\n',
        '    namespace: str = "orders"\n    lead: Duration = timedelta(days=1)\n',
    )
    more("README.md", "## Layout" if b"## Layout" in project.files[PurePosixPath("README.md")] else "# ", "Mine.\n\n# ")
    left = grown(project, "remove example")
    models, settings = (left.files[PurePosixPath(f"orders/{it}.py")].decode() for it in ("db/models", "settings"))
    assert "class Box" in models and "Account" not in models and "from sqlalchemy.orm import" in models
    assert "lead: Duration = timedelta(days=1)" in settings and "from datetime import timedelta" in settings
    assert "approval_timeout" not in settings
    assert b"Mine." in left.files[PurePosixPath("README.md")]
    for text in (models, settings):
        ast.parse(text)


@pytest.mark.parametrize(
    ("command", "place"),
    [
        ("add route POST /orders --workflow process-job", "orders/api/orders.py:"),
        ("add workflow ship --takes account_id:str --calls db.get_account", "orders/workflows/ship.py:"),
        ("add webhook paid --workflow process-job", "orders/api/webhook_paid.py:"),
    ],
)
def test_refuses_while_something_needs_it(command: str, place: str) -> None:
    project = grown(fresh(bare=False), command)
    with pytest.raises(StillUsed, match=re.escape(place)):
        planned(project, "remove example")


def test_refuses_while_something_reads_its_settings_or_its_tables() -> None:
    for line in ("return settings.approval_timeout", "from .db.models import Account"):
        project = rewritten(fresh(bare=False), {"orders/mine.py": f"def mine(settings):\n    {line}\n".encode()})
        with pytest.raises(StillUsed, match=r"orders/mine\.py:2"):
            planned(project, "remove example")


def test_what_was_changed_is_named_and_goes_when_that_is_said() -> None:
    path = PurePosixPath("orders/workflows/process_job.py")
    project = rewritten(fresh(bare=False), {str(path): fresh(bare=False).files[path] + b"\n# mine\n"})
    with pytest.raises(ChangedSince, match=re.escape(str(path))):
        planned(project, "remove example")
    assert dict(grown(project, "remove example --yes").files) == dict(fresh(bare=True).files)


def test_a_migration_that_others_follow_stays_and_is_taken_back_by_another() -> None:
    mine = b'revision = "77"\ndown_revision = "0002"\n\n\ndef upgrade() -> None:\n    pass\n'
    project = rewritten(fresh(bare=False), {"orders/db/migrations/versions/77_mine.py": mine})
    left = grown(project, "remove example")
    assert PurePosixPath("orders/db/migrations/versions/0002_jobs.py") in left.files
    drop = left.files[PurePosixPath("orders/db/migrations/versions/drop_example.py")].decode()
    assert 'down_revision = "77"' in drop
    assert (
        drop.index("def upgrade") < drop.index("drop_table") < drop.index("def downgrade") < drop.index("create_table")
    )


def test_recorded_contracts_of_what_stays_stay() -> None:
    path = PurePosixPath("tests/contracts.json")
    snapshot = json.loads(fresh(bare=False).files[path])
    snapshot["functions"]["ship@1"] = {"group": "workers", "request": {}, "result": {}}
    left = grown(rewritten(fresh(bare=False), {str(path): json.dumps(snapshot).encode()}), "remove example")
    assert list(json.loads(left.files[path])["functions"]) == ["ship@1"]


def test_its_name_is_example_and_nothing_more(tool: Tool, tmp_path: Path) -> None:
    assert tool("remove", "example", "it").status == 2
    assert tool("remove", "workflow").status == 2
    with pytest.raises(UsageError):
        planned(fresh(bare=False), "remove example it")
