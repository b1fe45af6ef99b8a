"""What a command writes is laid out as the project's own ruff lays it out, and nothing else is touched."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest

from resonate_scaffold import formatting
from resonate_scaffold.differences import differences
from resonate_scaffold.disk.files import FilesOnDisk
from resonate_scaffold.errors import FormattingFailed
from resonate_scaffold.formatting import Draft, lay_out
from resonate_scaffold.plan import Create, Edit
from resonate_scaffold.project import FilesInMemory, Project
from tests.grown import fresh, grown, planned, restore, rewritten, without

WORKER = PurePosixPath("orders/workflows/worker.py")
PYPROJECT = PurePosixPath("pyproject.toml")
ADD = "add workflow ship-order --takes customer_id:str --takes amounts:list[Decimal] --returns receipt:str"
SCHEDULE = "add schedule every-night-of-the-week --workflow clean-up --cron '0 2 * * *' --catch-up all --overlap queue"
NOUNS = (
    ADD,
    "add workflow clean-up",
    SCHEDULE,
    "add db-function reserve-stock --takes sku:str --takes quantity:int --returns left:int",
    "add db-function read-stock --read-only --takes sku:str --returns left:int",
    "add rpc payments.workers.charge --takes amount:Decimal --takes order_id:UUID --returns receipt:str",
    "add idempotency-key invoice --from caller --from customer_id --from number:int",
    "add route POST /customers/{customer_id}/shipments --workflow ship-order",
    "add route GET /stock/{sku} --rpc db.read_stock --wait 5",
    "add webhook shipped --takes tracking_number:str --takes at:datetime",
    "add webhook charged --starts clean-up --scheme stripe",
    "add webhook held --takes reason:str --scheme former",
    "add group billing",
    "add rpc billing.send-invoice --takes amount:Decimal --returns number:int",
)


def configured(project: Project, settings: str) -> Project:
    """The service with other settings of ruff, and formatted by them."""
    content = project.files[PYPROJECT].decode()
    head, _, _ = content.partition("[tool.ruff]")
    changed = rewritten(project, {str(PYPROJECT): f"{head}[tool.ruff]\n{settings}".encode()})
    python = {path: project.files[path] for path in project.files if path.suffix == ".py"}
    laid_out = lay_out(changed.files, [Draft(path, None, content) for path, content in python.items()])
    return rewritten(changed, {str(path): content for path, content in laid_out.items()})


def ruff(root: Path, *arguments: str) -> str:
    """What ruff complains of."""
    command = [sys.executable, "-m", "ruff", *arguments, "--no-cache", "."]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def write(root: Path, files: Mapping[PurePosixPath, bytes]) -> None:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)


def everything(project: Project) -> dict[PurePosixPath, bytes]:
    runtime = {path: project.files[path] for path in fresh(bare=True).files._all if path.parts[1:2] == ("runtime",)}  # type: ignore[attr-defined]
    return {**runtime, **{path: project.files[path] for path in project.files}}


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param("line-length = 88\n", id="88 columns"),
        pytest.param(
            'line-length = 100\n[tool.ruff.format]\nquote-style = "single"\n'
            '[tool.ruff.lint.isort]\nrequired-imports = ["from __future__ import annotations"]\n',
            id="single quotes, a required import",
        ),
        pytest.param(
            "[tool.ruff.format]\nskip-magic-trailing-comma = true\n"
            "[tool.ruff.lint.isort]\nsplit-on-trailing-comma = false\norder-by-type = false\n",
            id="no magic commas, another order",
        ),
        pytest.param(
            'indent-width = 2\n[tool.ruff.lint.isort]\nforce-single-line = true\nknown-third-party = ["orders"]\n',
            id="two spaces, an import a line",
        ),
    ],
)
def test_every_noun_is_as_the_project_wants_it(settings: str, tmp_path: Path) -> None:
    """In a service that was formatted and sorted; what was there stays, but for what the new is put into."""
    before = configured(fresh(bare=True), settings)
    project = grown(before, *NOUNS)
    write(tmp_path, everything(project))
    for path in sorted((tmp_path / "orders" / "runtime").rglob("*.py")):
        path.write_bytes(b"")  # it is not the owner's, and only that it is there counts
    for path in tmp_path.rglob("*.md"):
        path.unlink()  # ruff formats the examples in documents, which no `add` writes
    assert ruff(tmp_path, "format", "--diff") == ""
    assert ruff(tmp_path, "check", "--select", "I", "--output-format", "concise") == ""


def test_prose_fits_narrow_lines(tmp_path: Path) -> None:
    added = grown(fresh(bare=True), *NOUNS)
    made = {path: added.files[path] for path in added.files if path not in fresh(bare=True).files}
    laid_out = configured(added, "line-length = 88\n")
    write(tmp_path, {path: laid_out.files[path] for path in made if path.suffix == ".py"})
    assert ruff(tmp_path, "check", "--isolated", "--select", "E501", "--line-length", "88") == ""


UNFORMATTED = b'''"""Mine."""
from .clean_up import (clean_up)
from ..runtime.durable.schedules import Schedule
from ..runtime.durable.rpc import Registration
import os   # why
GROUP   =  'workers'
SERVED: list[Registration] = [clean_up,
   ]
SCHEDULES : list[Schedule] = [ ]
def mine( a ): return {  'a':a }
'''


def test_what_the_owner_wrote_keeps_its_bytes() -> None:
    """In a file that was not formatted: what is added is laid out, each line that was there stays."""
    service = grown(fresh(bare=True), "add workflow clean-up")
    narrow = service.files[PYPROJECT].replace(b"line-length = 120", b"line-length = 88")
    project = rewritten(service, {str(WORKER): UNFORMATTED, str(PYPROJECT): narrow})
    plan = planned(project, SCHEDULE)
    (edit,) = (change for change in plan.changes if isinstance(change, Edit))
    assert edit.after == UNFORMATTED.replace(
        b"import Registration\n", b"import Registration\nfrom ..contracts.workflows.clean_up import CleanUp\n"
    ).replace(
        b"[ ]\n",
        b"""[
    Schedule(
        "every-night-of-the-week",
        "0 2 * * *",
        clean_up,
        CleanUp(),
        catch_up="all",
        overlap="queue",
    ),
]
""",
    )
    # What this left is not asked for again.
    (again,) = (change for change in planned(project, SCHEDULE).changes if isinstance(change, Edit))
    assert again == edit


def test_sorted_imports_of_an_unformatted_file_stay_sorted() -> None:
    text = b"from ..runtime.durable.rpc import Registration\nfrom .clean_up import clean_up\n\nSERVED  = [ clean_up ]\n"
    project = rewritten(grown(fresh(bare=True), "add workflow clean-up"), {str(WORKER): text})
    (edit,) = (change for change in planned(project, "add workflow any-other").changes if isinstance(change, Edit))
    assert edit.after == text.replace(b"from .clean_up", b"from .any_other import any_other\nfrom .clean_up").replace(
        b"[ clean_up ]", b"[ clean_up, any_other ]"
    )


def test_unsorted_imports_of_a_formatted_file_keep_their_order() -> None:
    text = b"from .clean_up import clean_up\nfrom ..runtime.durable.rpc import Registration\n\nSERVED = [clean_up]\n"
    project = rewritten(grown(fresh(bare=True), "add workflow clean-up"), {str(WORKER): text})
    (edit,) = (change for change in planned(project, "add workflow any-other").changes if isinstance(change, Edit))
    assert edit.after == text.replace(
        b"clean_up\nfrom ..", b"clean_up\nfrom .any_other import any_other\nfrom .."
    ).replace(b"[clean_up]", b"[clean_up, any_other]")


def test_taking_back_leaves_the_rest_as_it_is() -> None:
    project = grown(fresh(bare=True), "add workflow clean-up")
    project = rewritten(project, {str(WORKER): UNFORMATTED})
    added = grown(project, "add workflow any-other")
    assert grown(added, "remove workflow any-other").files[WORKER] == UNFORMATTED


@pytest.mark.parametrize("path", ["/shipments", "/shipments/of/customers/who/have/paid/for/them/twice"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_imports_that_an_add_made_too_long_for_a_line_fit_again(path: str, end: str) -> None:
    others = [f"add route POST /{letter * 30} --workflow clean-up" for letter in "ab"]
    before = grown(fresh(bare=True), "add workflow clean-up", *others)
    app = "orders/api/app.py"
    before = rewritten(before, {app: before.files[PurePosixPath(app)].replace(b"\n", end.encode())})
    assert b"from . import a" in before.files[PurePosixPath(app)]
    added = grown(before, f"add route POST {path} --workflow clean-up")
    assert (b"from . import (" in added.files[PurePosixPath(app)]) == (len(path) > 30)
    assert grown(added, f"remove route POST {path}").files[PurePosixPath(app)] == before.files[PurePosixPath(app)]


def test_imports_that_somebody_wrapped_stay_wrapped() -> None:
    before = grown(fresh(bare=True), "add workflow clean-up", "add route POST /first --workflow clean-up")
    app = "orders/api/app.py"
    wrapped = before.files[PurePosixPath(app)].replace(b"from . import first\n", b"from . import (\n    first,\n)\n")
    mine = rewritten(before, {app: wrapped})
    assert mine.files[PurePosixPath(app)] != before.files[PurePosixPath(app)]
    there_and_back = grown(mine, "add route POST /second --workflow clean-up", "remove route POST /second")
    assert there_and_back.files[PurePosixPath(app)] == wrapped


def test_an_add_is_taken_back_when_the_settings_have_changed_since() -> None:
    added = grown(fresh(bare=True), ADD)
    others = added.files[PYPROJECT].replace(b"= 120", b"= 79")
    gone = grown(rewritten(added, {str(PYPROJECT): others}), "remove workflow ship-order")
    assert not [path for path in gone.files if "ship_order" in path.name]


def test_settings_of_a_directory_count_there() -> None:
    narrow = rewritten(fresh(bare=True), {"tests/ruff.toml": b"line-length = 60\n"})
    created = {
        change.path: change.content.decode() for change in planned(narrow, ADD).changes if isinstance(change, Create)
    }
    tests = created[PurePosixPath("tests/test_workflow_ship_order.py")]
    code = [line for line in tests.splitlines() if " = " in line or "import" in line]
    assert max(map(len, code)) <= 60
    function = created[PurePosixPath("orders/workflows/ship_order.py")]
    assert "async def ship_order(ctx: Context, request: ShipOrder) -> ShipOrderResult:" in function


def on_disk(root: Path, settings: Mapping[str, str]) -> FilesOnDisk:
    service = root / "services" / "orders"
    for name in ("orders/runtime/__init__.py", "orders/contracts/__init__.py", "tests/__init__.py"):
        write(service, {PurePosixPath(name): b""})
    write(root, {PurePosixPath(name): text.encode() for name, text in settings.items()})
    return FilesOnDisk(service, "orders")


CALL = b"x = call(first_argument_of_it, second_argument_of_it, third_argument_of_it, a_fourth_one_of_it)\n"


@pytest.mark.parametrize(
    ("settings", "width"),
    [
        ({}, 88),
        ({"pyproject.toml": "[tool.ruff]\nline-length = 100\n"}, 100),
        ({"pyproject.toml": "[tool]\nruff.line-length = 100\n"}, 100),
        ({"ruff.toml": "line-length = 100\n", "services/orders/pyproject.toml": "[tool.mypy]\nstrict = true\n"}, 100),
        ({"ruff.toml": "line-length = 100\n", "services/orders/.ruff.toml": "line-length = 40\n"}, 40),
        ({"base.toml": "line-length = 100\n", "services/orders/ruff.toml": 'extend = "../../base.toml"\n'}, 100),
        ({"services/orders/orders/ruff.toml": "line-length = 100\n"}, 100),
        ({"services/orders/tests/ruff.toml": "line-length = 100\n"}, 88),
    ],
)
def test_settings_are_found_as_ruff_finds_them(settings: dict[str, str], width: int, tmp_path: Path) -> None:
    files = on_disk(tmp_path / 'my "äpps" 😀', settings)
    path = PurePosixPath("orders/x.py")
    assert (lay_out(files, [Draft(path, None, CALL)])[path] == CALL) is (len(CALL) - 1 <= width)
    assert not list(tmp_path.rglob(".ruff_cache"))


def test_what_the_project_has_is_its_own(tmp_path: Path) -> None:
    files = on_disk(tmp_path, {"services/orders/helpers.py": "", "services/orders/src/shared/__init__.py": ""})
    text = b"import zebra\n\nimport helpers\nimport orders.contracts\nimport shared\n"
    path = PurePosixPath("tests/test_x.py")
    assert lay_out(files, [Draft(path, None, text.replace(b"\n\n", b"\n"))])[path] == text


@pytest.mark.parametrize(
    ("settings", "cause"),
    [
        ("line-length = 'wide'\n", "invalid type"),
        ("[\n", "TOML parse error"),
        ("[tool.ruff]\nrequired-version = '==0.0.1'\n", "does not match the running version"),
        ("[tool.ruff]\nnonsense = 1\n", "unknown field"),
    ],
)
def test_settings_that_ruff_refuses_are_told_in_a_line(settings: str, cause: str, tmp_path: Path) -> None:
    text = settings if settings.startswith("[") else f"[tool.ruff]\n{settings}"
    files = on_disk(tmp_path, {"services/orders/pyproject.toml": text})
    with pytest.raises(FormattingFailed) as refused:
        lay_out(files, [Draft(PurePosixPath("orders/x.py"), None, CALL)])
    assert cause in refused.value.message
    assert "\n" not in refused.value.message + refused.value.hint


def test_a_ruff_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formatting, "_program", lambda: "/nowhere/ruff")
    with pytest.raises(FormattingFailed, match="cannot be run"):
        planned(fresh(bare=True), ADD)


def test_variables_for_ruff_change_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = planned(fresh(bare=True), ADD)
    monkeypatch.setenv("RUFF_OUTPUT_FILE", str(tmp_path / "out"))
    monkeypatch.setenv("RUFF_LINE_LENGTH", "40")
    monkeypatch.setenv("RUFF_NO_FIX", "true")
    assert planned(fresh(bare=True), ADD) == before
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("before", "after"),
    [("", "a\n"), ("a\nb\n", "b\n"), ("a\nb\nc", "a\nx\nb\nd"), ("a\r\nb", "b\r\na"), ("é\n", "x\né\ny\n"), ("a", "a")],
)  # fmt: skip
def test_differences_are_taken_back(before: str, after: str) -> None:
    steps = differences(before.encode(), after.encode())
    assert restore(after.encode(), steps) == before.encode()
    assert bool(steps) is (before != after)


def test_a_line_that_is_no_text_is_not_recorded() -> None:
    assert differences(b"\xe4\n", b"\xe4\nnew\n") == ((2, 4, ""),)
    assert differences(b"\xe4", b"\xe4\nnew\n") == ()


def test_what_is_added_twice_is_the_same() -> None:
    plan = planned(fresh(bare=True), ADD)
    assert planned(fresh(bare=True), ADD) == plan
    assert planned(grown(fresh(bare=True), ADD), ADD).changes == ()
    assert without(grown(fresh(bare=True), ADD), str(WORKER)).files
    assert FilesInMemory({}).ruff_settings(PurePosixPath()) is None
