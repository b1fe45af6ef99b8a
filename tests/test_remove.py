"""`remove`: all of an `add` goes, or nothing; what somebody wrote beside it stays, and what is used is not removed."""

from __future__ import annotations

import json
import random
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

import pytest

from resonate_scaffold import cli, report
from resonate_scaffold.errors import ChangedSince, ScaffoldError, StillUsed, Unknown
from resonate_scaffold.forms import is_same
from resonate_scaffold.plan import Create, Edit
from resonate_scaffold.project import ADDS as RECORDS, Added, FilesInMemory, Project, fingerprint
from resonate_scaffold.service.listing import inventory
from resonate_scaffold.service.service import Service
from tests.conftest import Tool
from tests.grown import fresh, grown, made_by_new, planned, removing, rewritten, runtime, without
from tests.test_apply import whole
from tests.test_grow import records, run, said_of_files, service  # noqa: F401

# What is added, by what takes it back, and what it needs.
ADDS = {
    "workflow ship-order": "--takes order_id:UUID --takes 'at:datetime?' --returns tracking:str",
    "workflow clean-up": "",
    "db-function take-stock": "--takes sku:str --takes price:Decimal --returns left:int",
    "db-function read-shelf": "--takes sku:str --returns left:int --read-only",
    "query stock-of": "--takes sku:str --returns left:int",
    "rpc payments.charge": "--takes amount:Decimal --returns paid:bool",
    "rpc payments.refund": "--takes amount:Decimal --takes day:date",
    "rpc mail.send": "--takes to:list[str]",
    "rpc stripe.workers.pay-out": "--takes amount:Decimal --returns day:date",
    "route POST /shipments": "--workflow ship-order",
    "route GET /shelves/{sku}": "--rpc db.read_shelf --wait 5",
    "route GET /stock/{sku}": "--query stock-of",
    "webhook consent": "--takes given:bool",
    "webhook delivered": "--takes at:datetime --workflow ship-order",
    "schedule nightly": "--workflow clean-up --cron '0 2 * * *'",
    "idempotency-key bill": "--from customer_id --from number:int --from day:date",
    "group billing": "",
    "rpc billing.dun": "--takes number:int --takes due:date",
    "client payments": "",
    "client tax-office": "--group billing",
    "client dhl": "--group db",
    "entity patient": "--field name:str:1..80 --field born:date --unique name",
    "field patient phone": "",
}
NEEDS = {
    "route POST /shipments": "workflow ship-order",
    "route GET /shelves/{sku}": "db-function read-shelf",
    "route GET /stock/{sku}": "query stock-of",
    "webhook delivered": "workflow ship-order",
    "schedule nightly": "workflow clean-up",
    "rpc billing.dun": "group billing",
    "client tax-office": "group billing",
    "field patient phone": "entity patient",
}
TEXTS = ("Procfile", "compose.yaml")
Files = Mapping[PurePosixPath, bytes]


def add(what: str) -> str:
    return "add field patient phone:str?" if what.startswith("field") else f"add {what} {ADDS[what]}"


def needed(what: str) -> list[str]:
    return [add(NEEDS[what])] if what in NEEDS else []


def differing(one: Files, other: Files) -> list[str]:
    return sorted(str(path) for path in one.keys() | other.keys() if one.get(path) != other.get(path))


def check_style(project: Project, directory: Path) -> None:
    """Hold that a service is as its own `ruff` wants it; with the runtime, to which its imports lead."""
    for path, content in {**made_by_new(bare=True), **project.files}.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(content)
    for arguments in (["check", "--no-cache", "."], ["format", "--no-cache", "--diff", "."]):
        ran = subprocess.run(
            [sys.executable, "-m", "ruff", *arguments], cwd=directory, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr


# Every byte


@pytest.mark.parametrize("what", ADDS)
def test_gives_every_byte_back(what: str) -> None:
    before = grown(fresh(bare=True), *needed(what))
    added = grown(before, add(what))
    assert differing(added.files, before.files)
    assert differing(grown(added, f"remove {what}").files, before.files) == []


def test_gives_every_byte_back_where_lines_end_otherwise() -> None:
    before = fresh(bare=False)
    python = {str(path): text for path, text in before.files.items() if path.suffix == ".py" or path.name in TEXTS}
    before = rewritten(before, {path: text.replace(b"\n", b"\r\n") for path, text in python.items()})
    added = grown(before, *(add(what) for what in ADDS))
    removed = grown(added, *(f"remove {what}" for what in reversed(ADDS)))
    assert differing(removed.files, before.files) == []


@pytest.mark.parametrize("seed", range(3))
def test_gives_every_byte_back_in_any_order(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    before = project = fresh(bare=seed % 2 == 0)
    wanted = dice.sample(list(ADDS), len(ADDS))
    for what in sorted(wanted, key=lambda what: what in NEEDS):
        project = grown(project, add(what))
    refused = 0
    left = dice.sample(wanted, len(wanted))
    while left:
        what = left.pop()
        try:
            project = grown(project, f"remove {what}")
        except StillUsed:
            left.insert(0, what)
            refused += 1
        if len(left) == len(ADDS) // 2:
            check_style(project, tmp_path / str(refused))
    assert differing(project.files, before.files) == []


def test_leaves_no_directory_behind(tool: Tool, service: Path) -> None:  # noqa: F811
    before = whole(service)
    what = ["group billing", "rpc billing.dun", "rpc payments.charge", "workflow clean-up", "schedule nightly"]
    run(tool, *map(add, what))
    for line in reversed(what):
        run(tool, f"remove {line}")
    assert whole(service) == before


def test_what_was_added_with_its_route_goes_in_two_steps(tool: Tool, service: Path) -> None:  # noqa: F811
    before = whole(service)
    run(tool, "add workflow ship-order --takes sku:str --route")
    assert tool("remove", "workflow", "ship-order").status == 1
    run(tool, "remove route POST /ship-order", "remove workflow ship-order")
    assert whole(service) == before


def test_can_be_added_again() -> None:
    added = grown(fresh(bare=True), *(add(what) for what in ADDS))
    again = added
    for what in ("route POST /shipments", "webhook delivered", "workflow ship-order"):
        again = grown(again, f"remove {what}")
    again = grown(again, add("workflow ship-order"), add("webhook delivered"), add("route POST /shipments"))
    listed, expected = (inventory(Service(project)) for project in (again, added))
    assert re.sub(r"'line': \d+", "", str(listed)) == re.sub(r"'line': \d+", "", str(expected))


# Several adds in one file

TOGETHER = {
    "orders/workflows/worker.py": [
        "add workflow clean-up",
        "add workflow ship-order --takes sku:str",
        "add schedule nightly --workflow clean-up --cron '0 2 * * *'",
        "add workflow tidy-up",
    ],
    "orders/db/worker.py": [f"add db-function {name}-stock --takes sku:str" for name in ("take", "free", "count")],
    "orders/api/app.py": [
        *(f"add route POST /{name} --rpc db.get_stock" for name in ("first", "second")),
        "add webhook consent",
    ],
    "orders/ids.py": [
        "add idempotency-key bill --from day:date",
        "add idempotency-key refund --from receipt:UUID",
        "add idempotency-key parcel --from number:int",
    ],
    "orders/fakes/worker.py": [
        "add rpc payments.charge",
        "add rpc payments.refund",
        "add rpc mail.send",
        "add rpc stripe.workers.pay",
    ],
    "orders/__main__.py": [f"add group {name}" for name in ("billing", "risk", "e_mail")],
}


def without_records(project: Project) -> Files:
    return {path: content for path, content in project.files.items() if RECORDS not in path.parents}


@pytest.mark.parametrize(("path", "gone"), [(path, line) for path, lines in TOGETHER.items() for line in lines])
def test_all_but_one_stay_as_if_it_had_never_been_added(path: str, gone: str) -> None:
    stock = grown(fresh(bare=True), "add db-function get-stock --takes sku:str --read-only")
    wanted = [line for line in TOGETHER[path] if line != gone]
    if gone == "add workflow clean-up":
        wanted = [line for line in wanted if "schedule" not in line]  # it starts what goes
    project = grown(stock, *(line for line in TOGETHER[path] if line in (*wanted, gone)))
    assert PurePosixPath(path) in project.files

    project = grown(project, removing(gone))
    assert without_records(project) == without_records(grown(stock, *wanted))
    assert [(one.kind, one.name) for one in project.adds()] == [
        (one.kind, one.name) for one in grown(stock, *wanted).adds()
    ]


@pytest.mark.parametrize("path", TOGETHER)
@pytest.mark.parametrize("seed", range(3))
def test_they_go_in_any_order(path: str, seed: int) -> None:
    stock = grown(fresh(bare=True), "add db-function get-stock --takes sku:str --read-only")
    project = grown(stock, *TOGETHER[path])
    left = random.Random(seed).sample(TOGETHER[path], len(TOGETHER[path]))
    while left:
        line = left.pop()
        try:
            project = grown(project, removing(line))
        except StillUsed:
            left.insert(0, line)
    assert differing(project.files, stock.files) == []


def test_what_somebody_wrote_between_two_adds_stays() -> None:
    worker = "orders/workflows/worker.py"
    project = grown(fresh(bare=True), add("workflow clean-up"))
    mine = project.files[PurePosixPath(worker)] + b"# mine\n"
    by_hand = rewritten(project, {worker: mine})
    back = grown(by_hand, add("workflow ship-order"), "remove workflow ship-order")
    assert differing(back.files, by_hand.files) == []
    assert differing(grown(back, "remove workflow clean-up").files, fresh(bare=True).files) == [worker]


# Records


def test_what_was_taken_out_by_hand_can_be_added_again_with_other_options() -> None:
    """The record that is left of it is replaced."""
    before = fresh(bare=True)
    project = grown(before, add("workflow clean-up"), add("db-function read-shelf"))
    stale = project.find_add("workflow", "clean-up")
    assert stale is not None
    worker = PurePosixPath("orders/workflows/worker.py")
    project = without(rewritten(project, {str(worker): before.files[worker]}), *stale.files)
    project = grown(project, "add workflow clean-up --takes sku:str")
    again = project.find_add("workflow", "clean-up")
    assert again is not None
    assert (stale.number, again.number) == (1, 3)
    assert again.options["takes"] == ["sku:str"]
    assert stale.path not in project.files
    assert [one.name for one in project.adds()] == ["read-shelf", "clean-up"]
    project = grown(project, "remove workflow clean-up", "remove db-function read-shelf")
    assert differing(project.files, before.files) == []


def test_what_is_there_in_part_is_there() -> None:
    project = grown(fresh(bare=True), add("workflow clean-up"))
    project = without(project, "tests/test_workflow_clean_up.py")
    assert planned(project, add("workflow clean-up")).changes == ()


def merged(one: Project, other: Project, base: Project) -> Project:
    """Two branches that have nothing but new files, and each its own edits, in one."""
    theirs = {str(path): it for path, it in other.files.items() if base.files.get(path) != it}
    assert not [path for path in theirs if one.files.get(PurePosixPath(path)) != base.files.get(PurePosixPath(path))]
    return rewritten(one, theirs)


def test_two_records_may_have_one_number() -> None:
    base = fresh(bare=True)
    one, other = grown(base, add("workflow clean-up")), grown(base, add("db-function read-shelf"))
    both = merged(one, other, base)
    assert [(it.number, it.name) for it in both.adds()] == [(1, "read-shelf"), (1, "clean-up")]
    assert planned(both, add("workflow clean-up")).changes == ()
    more = grown(both, add("idempotency-key bill"))
    assert [(it.number, it.name) for it in more.adds()] == [(1, "read-shelf"), (1, "clean-up"), (2, "bill")]
    for lines in (
        ["workflow clean-up", "db-function read-shelf", "idempotency-key bill"],
        ["idempotency-key bill", "db-function read-shelf", "workflow clean-up"],
    ):
        assert differing(grown(more, *(f"remove {line}" for line in lines)).files, base.files) == []


def test_the_number_of_the_last_record_is_used_again_and_none_below_it() -> None:
    project = grown(fresh(bare=True), *(add(what) for what in ("workflow clean-up", "db-function read-shelf")))
    assert [it.number for it in grown(project, "remove workflow clean-up", add("webhook consent")).adds()] == [2, 3]
    assert [it.number for it in grown(project, "remove db-function read-shelf", add("webhook consent")).adds()] == [
        1,
        2,
    ]


@pytest.mark.parametrize(
    ("kind", "name", "file"),
    [
        ("workflow", "place-order", "workflow-place-order"),
        ("rpc", "payments.workers.pay-out", "rpc-payments.workers.pay-out"),
        ("rpc", "payments.pay_out", "rpc-payments.pay_out"),
        ("group", "e_mail", "group-e_mail"),
    ],
)
def test_a_record_is_called_what_it_is_of(kind: str, name: str, file: str) -> None:
    assert Added(kind, name, {}, {}, {}, 12).path == RECORDS / f"0012-{file}.json"


def test_records_of_names_that_look_alike_have_names_of_their_own() -> None:
    """Also where the file system tells no upper-case letters from others."""
    alike = ["POST /orders", "POST /orders/{id}", "POST /orders/{ID}", "POST /orders-id", "PUT /orders", "POST /Orders"]
    paths = [str(Added("route", name, {}, {}, {}, 1).path) for name in alike]
    assert len({path.lower() for path in paths}) == len(alike)
    assert all(re.fullmatch(r"[a-z0-9_./-]+", path) for path in paths)


def test_names_that_end_alike_are_told_apart() -> None:
    lines = ["workflow order", "workflow re-order", "workflow pre-workflow-order"]
    project = grown(fresh(bare=True), *(f"add {line}" for line in lines))
    for line in lines:
        found = project.find_add("workflow", line.removeprefix("workflow "))
        assert found is not None
        assert f"workflow {found.name}" == line
    assert project.find_add("workflow", "workflow-order") is None
    assert differing(grown(project, *(f"remove {line}" for line in lines)).files, fresh(bare=True).files) == []


# Hand edits in between


def on_top(content: bytes) -> bytes:
    return (
        content.replace(b"\n", b"\n# mine, on top\n", 1) if content.count(b'"""') < 2 else b"# mine, on top\n" + content
    )


def on_both_sides(content: bytes) -> bytes:
    return on_top(content) + b"\n\ndef mine() -> None:\n    pass\n"


def for_windows(content: bytes) -> bytes:
    return (content + b"\n# mine, at the end\n").replace(b"\n", b"\r\n")


def without_blank_lines(content: bytes) -> list[bytes]:
    return [line for line in content.splitlines(keepends=True) if line.strip()]


@pytest.mark.parametrize("edit", [on_both_sides, for_windows])
@pytest.mark.parametrize("what", [what for what in ADDS if not what.startswith("query ")])  # which edits no code
def test_keeps_what_somebody_has_written_since(what: str, edit: Callable[[bytes], bytes], tmp_path: Path) -> None:
    before = grown(fresh(bare=edit is for_windows), *needed(what))
    added = planned(before, add(what))
    code = {str(change.path) for change in added.changes if isinstance(change, Edit) and change.path.suffix == ".py"}
    assert code
    project = grown(before, add(what))
    project = rewritten(project, {path: edit(project.files[PurePosixPath(path)]) for path in code})
    project = grown(project, f"remove {what}")
    for path in code:
        expected = edit(before.files[PurePosixPath(path)])
        found = project.files[PurePosixPath(path)]
        assert without_blank_lines(found) == without_blank_lines(expected)
    assert set(differing(project.files, before.files)) <= code
    if edit is on_both_sides:
        check_style(project, tmp_path)


REFORMATTED = """\
SERVED: list[Registration] = [
    # the first
    {clean_up},  # it cleans
    # the second
    {ship_order},  # it ships

    # what follows nothing
]
"""


@pytest.mark.parametrize("layout", [REFORMATTED, "SERVED: list[Registration] = [{clean_up}, {ship_order}]\n"])
def test_takes_one_out_of_a_list_that_was_reformatted(layout: str) -> None:
    worker = "orders/workflows/worker.py"
    project = grown(fresh(bare=True), add("workflow clean-up"), add("workflow ship-order"))
    text = project.files[PurePosixPath(worker)].decode()
    found = re.search(r"(?ms)^SERVED.*?^\]\n|^SERVED.*?\]\n", text)
    assert found
    assert found[0] == "SERVED: list[Registration] = [\n    clean_up,\n    ship_order,\n]\n"
    mine = layout.format(clean_up="clean_up", ship_order="ship_order")
    project = rewritten(project, {worker: text.replace(found[0], mine).encode()})
    project = grown(project, "remove workflow clean-up")
    left = project.files[PurePosixPath(worker)].decode()
    assert "clean_up" not in left
    assert "ship_order" in left
    for comment in re.findall("# .*", mine):
        assert comment in left or "clean" in comment or comment == "# the first"
    project = grown(project, "remove workflow ship-order")
    assert "ship_order" not in project.files[PurePosixPath(worker)].decode()


def test_what_somebody_has_taken_out_by_hand_is_not_missed() -> None:
    """The wiring was taken out by hand, and a file deleted: the rest goes."""
    before = fresh(bare=True)
    project = grown(before, add("workflow clean-up"))
    worker = "orders/workflows/worker.py"
    project = rewritten(project, {worker: before.files[PurePosixPath(worker)]})
    project = without(project, "tests/test_workflow_clean_up.py")
    removed = grown(project, "remove workflow clean-up")
    assert differing(removed.files, before.files) == []


@pytest.mark.parametrize("name", ["billing", "e_mail"])
def test_text_files_keep_what_somebody_has_written_since(name: str) -> None:
    before = fresh(bare=True)
    project = grown(before, f"add group {name}")
    procfile, compose = PurePosixPath("Procfile"), PurePosixPath("compose.yaml")
    command = f"command: [group, {name}]\n".encode()
    mine = {
        "Procfile": project.files[procfile] + b"# mine\nbilling2: mine\n",
        "compose.yaml": project.files[compose].replace(command, command + b"    environment:\n\n      MINE: 1\n")
        + b"# mine\n",
    }
    assert mine["compose.yaml"].count(b"MINE") == 1
    project = grown(rewritten(project, mine), f"remove group {name}")
    assert project.files[procfile] == before.files[procfile] + b"# mine\nbilling2: mine\n"
    assert project.files[compose] == before.files[compose] + b"# mine\n"


def test_what_is_called_alike_elsewhere_in_a_compose_file_stays() -> None:
    """`init:` is a setting of every service there."""
    before = fresh(bare=True)
    compose = PurePosixPath("compose.yaml")
    assert b"\n  init: true\n" in before.files[compose]
    project = grown(before, "add group init")
    project = rewritten(project, {str(compose): project.files[compose] + b"# mine\n"})
    assert project.files[compose].count(b"\n  init:") == 2
    project = grown(project, "remove group init")
    assert project.files[compose] == before.files[compose] + b"# mine\n"


def test_in_a_package_that_was_renamed_since() -> None:
    project = grown(fresh(bare=True), *(add(what) for what in ADDS))
    renamed = {
        PurePosixPath("shop", *path.parts[1:]) if path.parts[0] == "orders" else path: content
        for path, content in {**runtime(), **project.files}.items()
    }
    moved = Project("shop", project.manifest, FilesInMemory(renamed))
    for what in reversed(ADDS):
        moved = grown(moved, f"remove {what}")
    before = {
        PurePosixPath("orders", *path.parts[1:]) if path.parts[0] == "shop" else path: content
        for path, content in moved.files.items()
    }
    assert differing(before, fresh(bare=True).files) == []


# Files that somebody has changed


def at_88(project: Project, directory: Path) -> Project:
    """The service as somebody's formatter leaves it."""
    python = [path for path in project.files if path.suffix == ".py"]
    for path in python:
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(project.files[path])
    command = [sys.executable, "-m", "ruff", "format", "-q", "--isolated", "--no-cache", "--line-length", "88", "."]
    subprocess.run(command, cwd=directory, check=True)
    return rewritten(project, {str(path): (directory / path).read_bytes() for path in python})


def test_a_formatter_changes_nothing_of_that(tmp_path: Path) -> None:
    """At 88 columns, and though what some were made of is written otherwise since: all goes, and all else stays."""
    before = at_88(fresh(bare=False), tmp_path / "before")
    added = at_88(grown(fresh(bare=False), *map(add, ADDS)), tmp_path / "after")
    assert [record.kind for record in added.adds()].count("route") == sum(what.startswith("route ") for what in ADDS)
    removed = grown(added, *(f"remove {what}" for what in reversed(ADDS)))
    assert removed.files.keys() == before.files.keys()
    assert [path for path in before.files if not is_same(path, removed.files[path], before.files[path])] == []


def test_what_it_was_made_of_may_have_changed_since() -> None:
    """The contract got a field, by hand: the route is no less what `add` made."""
    project = grown(fresh(bare=True), add("workflow ship-order"), add("route POST /shipments"))
    path = "orders/contracts/workflows/ship_order.py"
    more = project.files[PurePosixPath(path)].replace(
        b"    order_id: UUID\n", b"    order_id: UUID\n    weight: int\n", 1
    )
    project = grown(rewritten(project, {path: more}), "remove route POST /shipments")
    assert PurePosixPath("orders/api/shipments.py") not in project.files


def test_a_file_that_was_changed_keeps_the_rest(tool: Tool, service: Path) -> None:  # noqa: F811
    """Its contract, its wiring, its test, its record: nothing is taken away under it."""
    run(tool, add("workflow ship-order"))
    function = service / "orders/workflows/ship_order.py"
    function.write_text(f"{function.read_text()}\n# mine\n")
    before = whole(service)
    for options in ("", " --dry-run", " --json"):
        ran = tool(*shlex.split(f"remove workflow ship-order{options}"))
        assert ran.status == 1
        said = ran.err + ran.out
        assert "orders/workflows/ship_order.py: changed since workflow ship-order was added" in said
        assert "--yes" in said
    assert whole(service) == before


@pytest.mark.parametrize("answer", [True, False])
def test_at_a_terminal_it_is_asked_about(
    tool: Tool,
    service: Path,  # noqa: F811
    answer: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = whole(service)
    run(tool, add("workflow ship-order"))
    function = service / "orders/workflows/ship_order.py"
    function.write_text(f"{function.read_text()}\n# mine\n")
    changed = whole(service)
    asked: list[str] = []

    def confirm(question: str, *, default: bool) -> bool:
        asked.append(question)
        return answer

    monkeypatch.setattr(report, "is_interactive", lambda: True)
    monkeypatch.setattr(report, "confirm", confirm)
    ran = tool("remove", "workflow", "ship-order")
    assert len(asked) == 1 and "orders/workflows/ship_order.py" in asked[0]
    assert ran.status == (0 if answer else 1)
    assert whole(service) == (before if answer else changed)


@pytest.mark.parametrize("answer", [EOFError, KeyboardInterrupt])
def test_no_answer_changes_nothing(
    tool: Tool,
    service: Path,  # noqa: F811
    answer: type[BaseException],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run(tool, add("workflow ship-order"))
    function = service / "orders/workflows/ship_order.py"
    function.write_text(f"{function.read_text()}\n# mine\n")
    before = whole(service)

    def confirm(question: str, *, default: bool) -> bool:
        raise answer

    monkeypatch.setattr(report, "is_interactive", lambda: True)
    monkeypatch.setattr(report, "confirm", confirm)
    ran = tool("remove", "workflow", "ship-order")
    assert (ran.status, "Traceback" in ran.err) == (cli.INTERRUPTED, False)
    assert whole(service) == before


def test_yes_deletes_it(tool: Tool, service: Path) -> None:  # noqa: F811
    before = whole(service)
    run(tool, add("workflow ship-order"))
    function = service / "orders/workflows/ship_order.py"
    function.write_text(f"{function.read_text()}\n# mine\n")
    ran = run(tool, "remove workflow ship-order --yes")
    assert said_of_files(ran)["orders/workflows/ship_order.py"] == "delete"
    assert whole(service) == before


@pytest.mark.parametrize("what", ADDS)
def test_every_file_that_was_made_counts(what: str) -> None:
    before = grown(fresh(bare=True), *needed(what))
    made = {str(item.path) for item in planned(before, add(what)).changes if isinstance(item, Create)}
    # The package of a group's contracts and a Procfile are shared: only what was added goes, whatever is said.
    shared = {path for path in made if what.startswith("rpc") and path.endswith(("/__init__.py", "Procfile.dev"))}
    project = grown(before, add(what))
    for path in sorted(path for path in made - shared if not path.startswith(str(RECORDS))):
        mine = rewritten(project, {path: project.files[PurePosixPath(path)] + b"# mine\n"})
        with pytest.raises(ChangedSince, match=re.escape(path)):
            planned(mine, f"remove {what}")
        assert differing(grown(mine, f"remove {what} --yes").files, before.files) == []


def test_a_record_of_an_earlier_version_is_understood() -> None:
    """It has the hashes of bytes, and what would put bytes back."""
    before = fresh(bare=True)
    project = grown(before, add("workflow clean-up"))
    record = project.find_add("workflow", "clean-up")
    assert record is not None
    old = json.loads(record.to_bytes())
    old["files"] = {path: fingerprint(project.files[PurePosixPath(path)]) for path in old["files"]}
    old["edits"] = {path: {**it, "sha256": "0", "undo": [[0, 1, ""]]} for path, it in old["edits"].items()}
    project = rewritten(project, {str(record.path): json.dumps(old).encode()})
    assert differing(grown(project, "remove workflow clean-up").files, before.files) == []


# What is still used

TABLE = "orders/workflows/mine.py"
HAND_WRITTEN = """\
from resonate.context import Context

from ..contracts.workflows.{module} import {name}
from ..runtime.durable.ids import job_id


async def mine(ctx: Context) -> None:
    {use}
"""


@pytest.mark.parametrize(
    ("adds", "line", "places"),
    [
        (
            ["workflow ship-order", "route POST /shipments"],
            "remove workflow ship-order",
            ["orders/api/shipments.py:", "tests/test_route_shipments.py:"],
        ),
        (["workflow clean-up", "schedule nightly"], "remove workflow clean-up", ["orders/workflows/worker.py:"]),
        (
            ["workflow clean-up", "add workflow sweep --calls clean-up"],
            "remove workflow clean-up",
            ["orders/workflows/sweep.py:"],
        ),
        (
            ["workflow ship-order", "webhook delivered"],
            "remove workflow ship-order",
            ["orders/api/webhook_delivered.py:"],
        ),
        (
            ["db-function take-stock", "add workflow sweep --calls db.take_stock"],
            "remove db-function take-stock",
            ["orders/workflows/sweep.py:"],
        ),
        (
            ["db-function read-shelf", "route GET /shelves/{sku}"],
            "remove db-function read-shelf",
            ["orders/api/get_shelves_sku.py:"],
        ),
        (
            ["rpc payments.charge", "add workflow sweep --calls payments.charge"],
            "remove rpc payments.charge",
            ["orders/workflows/sweep.py:"],
        ),
        (
            [
                "add idempotency-key parcel --from order_id:UUID",
                "workflow ship-order",
                "add route POST /parcels --workflow ship-order --key parcel",
            ],
            "remove idempotency-key parcel",
            ["orders/api/parcels.py:"],
        ),
        (
            ["group billing", "rpc billing.dun"],
            "remove group billing",
            ["billing.dun (orders/contracts/billing/dun.py:"],
        ),
        (
            ["rpc payments.charge", "add workflow sweep --takes charge:Charge"],
            "remove rpc payments.charge",
            ["orders/contracts/workflows/sweep.py:"],
        ),
        (
            ["workflow clean-up", "add rpc payments.charge --takes what:CleanUpResult"],
            "remove workflow clean-up",
            ["orders/contracts/payments/charge.py:"],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refuses_while_something_uses_it(adds: list[str], line: str, places: list[str]) -> None:
    project = grown(fresh(bare=True), *(add(what) if what in ADDS else what for what in adds))
    with pytest.raises(StillUsed) as refused:
        planned(project, line)
    for place in places:
        assert place in refused.value.message
    assert "first" in refused.value.hint
    # The places are real, and once they are gone, so may it.
    for path, number in re.findall(r"([\w/]+\.py):(\d+)", refused.value.message):
        assert len(project.files[PurePosixPath(path)].splitlines()) >= int(number)
    for what in reversed(adds[1:] if "parcel" not in adds[0] else [adds[2]]):
        project = grown(project, removing(what if what.startswith("add ") else add(what)))
    grown(project, line)


@pytest.mark.parametrize(
    ("adds", "name", "use", "line"),
    [
        ("webhook consent", "consent", "await consent.wait(ctx, job_id(ctx))", "remove webhook consent"),
        ("workflow clean-up", "clean_up, CleanUp", "await clean_up(ctx, CleanUp())", "remove workflow clean-up"),
    ],
)
def test_refuses_while_hand_written_code_uses_it(adds: str, name: str, use: str, line: str) -> None:
    project = grown(fresh(bare=True), add(adds))
    project = rewritten(
        project, {TABLE: HAND_WRITTEN.format(module=name.partition(",")[0], name=name, use=use).encode()}
    )
    with pytest.raises(StillUsed, match=r"orders/workflows/mine\.py:8"):
        planned(project, line)


def test_names_no_more_places_than_fit_on_a_line(tool: Tool, service: Path) -> None:  # noqa: F811
    run(tool, add("workflow clean-up"))
    for number in range(20):
        text = HAND_WRITTEN.format(module="clean_up", name="clean_up", use="await clean_up(ctx, None)")
        (service / TABLE.replace("mine", f"mine{number}")).write_text(text)
    before = whole(service)
    ran = tool("remove", "workflow", "clean-up")
    assert (ran.status, ran.out) == (1, "")
    assert "and in 14 more files" in ran.err
    assert len(ran.err.splitlines()) == 2
    assert whole(service) == before


# Groups that other teams serve


@pytest.mark.parametrize("names", [("charge", "refund"), ("refund", "charge")])
@pytest.mark.parametrize("touched", [False, True])
def test_the_last_stub_of_a_group_takes_its_stand_in_along(names: tuple[str, str], touched: bool) -> None:
    before = fresh(bare=True)
    project = grown(before, add("rpc payments.charge"), add("rpc payments.refund"))
    if touched:
        path = "orders/fakes/worker.py"
        project = rewritten(project, {path: project.files[PurePosixPath(path)].replace(b"= [", b"= [  # mine")})
        before = rewritten(before, {path: before.files[PurePosixPath(path)].replace(b"[]", b"[  # mine\n]")})
    project = grown(project, f"remove rpc payments.{names[0]}")
    assert b"fake-payments:" in project.files[PurePosixPath("Procfile.dev")]
    left = [str(path) for path in project.files.below(PurePosixPath("orders/contracts/payments"))]
    assert left == [f"orders/contracts/payments/{name}.py" for name in ("__init__", names[1])]
    project = grown(project, f"remove rpc payments.{names[1]}")
    assert differing(project.files, before.files) == []


def test_groups_of_one_service_go_one_by_one() -> None:
    """`payments.workers` and `payments.db` are two groups, though one team serves both."""
    before = fresh(bare=True)
    project = grown(before, "add rpc payments.workers.charge", "add rpc payments.db.get_balance")
    procfile = PurePosixPath("Procfile.dev")
    assert project.files[procfile].count(b"\nfake-payments-") == 2
    project = grown(project, "remove rpc payments.workers.charge")
    assert project.files[procfile].splitlines()[1:] == [b"fake-payments-db: python -m orders fake payments.db"]
    assert [*project.files.below(PurePosixPath("orders/contracts/payments_workers"))] == []
    project = grown(project, "remove rpc payments.db.get_balance")
    assert differing(project.files, before.files) == []


@pytest.mark.parametrize("mine", [b"# mine\n", b"tunnel: ssh -N example\n", b"\n\n# mine\nx: y\n"])
def test_the_processes_of_development_stay_as_somebody_wrote_them(mine: bytes) -> None:
    path = PurePosixPath("Procfile.dev")
    project = grown(fresh(bare=True), add("rpc payments.charge"), add("rpc mail.send"))
    project = rewritten(project, {str(path): project.files[path] + mine})
    project = grown(project, "remove rpc payments.charge")
    assert b"fake-mail:" in project.files[path]
    project = grown(project, "remove rpc mail.send")
    left = project.files[path]
    assert left.endswith(mine)
    assert b"fake-" not in left


@pytest.mark.parametrize("mine", ["orders/contracts/payments/mine.py", "orders/contracts/payments/__init__.py"])
def test_contracts_that_somebody_has_written_stay(mine: str) -> None:
    before = rewritten(fresh(bare=True), {mine: b"class Mine:\n    pass\n"})
    project = rewritten(grown(fresh(bare=True), add("rpc payments.charge")), {mine: b"class Mine:\n    pass\n"})
    project = grown(project, "remove rpc payments.charge")
    kept = {"orders/contracts/payments/__init__.py", "Procfile.dev"} if mine.endswith("mine.py") else set()
    assert set(differing(project.files, before.files)) == kept


# What is meant


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("route POST /shipments", "remove route POST /shipments"),
        ("route POST /shipments", "remove route 'post /shipments'"),
        ("route POST /shipments", "remove route post  /shipments"),
        ("workflow ship-order", "remove workflow ship_order"),
        ("db-function take-stock", "remove db-function db.take_stock"),
        ("db-function take-stock", "remove db-function take_stock"),
        ("idempotency-key bill", "remove idempotency-key bill"),
    ],
)
def test_a_name_may_be_spelled_in_its_other_ways(what: str, line: str) -> None:
    before = grown(fresh(bare=True), *needed(what))
    assert differing(grown(before, add(what), line).files, before.files) == []


@pytest.mark.parametrize("line", ["workflow place-order", "group db", "webhook approval", "db-function get-stock"])
def test_what_was_never_added_is_not_removed(line: str) -> None:
    """All of these are there: `new` has made them, not `add`."""
    with pytest.raises(Unknown) as refused:
        planned(fresh(bare=False), f"remove {line}")
    assert refused.value.message == f"No {line} was added to this service"
    assert refused.value.hint.startswith("Only what `add` made can be removed.")


def test_wiring_that_cannot_be_taken_out_safely_stops_it() -> None:
    project = grown(fresh(bare=True), add("workflow clean-up"))
    path = PurePosixPath("orders/workflows/worker.py")
    text = project.files[path].decode()
    assert "SERVED: list[Registration] = [" in text
    project = rewritten(project, {str(path): text.replace("Registration] = [", "Registration] = [] + [").encode()})
    with pytest.raises(ScaffoldError) as refused:
        planned(project, "remove workflow clean-up")
    assert str(path) in refused.value.message + refused.value.hint


def test_the_record_goes_with_it() -> None:
    project = grown(fresh(bare=True), add("workflow clean-up"))
    record = project.find_add("workflow", "clean-up")
    assert record is not None
    assert record.path in project.files
    removed = grown(project, "remove workflow clean-up")
    assert removed.find_add("workflow", "clean-up") is None
    assert record.path not in removed.files


def test_a_client_goes_whatever_its_group_is_called_by_now() -> None:
    before = grown(fresh(bare=True), "add group billing")
    added = grown(before, "add client payments --group billing", "rename group billing invoicing")
    with pytest.raises(StillUsed, match="client payments"):
        planned(added, "remove group invoicing")
    left = grown(added, "remove client payments").files
    assert b"PAYMENTS" not in left[PurePosixPath("compose.yaml")] + left[PurePosixPath(".env.example")]
    renamed = grown(before, "rename group billing invoicing").files
    assert [it for it in differing(left, renamed) if not it.startswith(".resonate-scaffold")] == []
