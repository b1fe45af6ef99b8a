"""`add`, `remove` and `list` by their command lines: what they say, what they refuse, and that a refusal changes
nothing."""

from __future__ import annotations

import errno
import itertools
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath

import pytest

from resonate_scaffold import cli, disk
from resonate_scaffold.commands.options import Kind
from resonate_scaffold.errors import Changed
from resonate_scaffold.formatting import Draft, lay_out
from resonate_scaffold.generators.route import RouteRequest, add_route
from resonate_scaffold.project import Files
from resonate_scaffold.service import listing
from tests.conftest import PROGRAM, Ran, Tool, git, tree
from tests.grown import removing
from tests.test_apply import WRITE, Tree, faulty, whole
from tests.test_cli import imported_by
from tests.test_disk import kill

Layout = dict[PurePosixPath, bytes]
MANIFEST = ".resonate-scaffold.json"
ADDED = ".resonate-scaffold/adds"

# One of each kind. Those that need another one come after it.
ADDS = {
    "workflow": "add workflow place-order --takes sku:str --takes quantity:int --returns order_id:str",
    "db-function": "add db-function reserve-stock --takes sku:str --takes quantity:int --returns left:int",
    "query": "add query stock-of --takes sku:str --returns left:int",
    "rpc": "add rpc payments.charge --takes amount:Decimal --returns receipt:str",
    "route": "add route POST /orders --workflow place-order",
    "webhook": "add webhook approval --takes approved:bool",
    "schedule": "add schedule nightly --workflow clean-up --cron '0 2 * * *'",
    "idempotency-key": "add idempotency-key invoice --from customer_id --from number:int",
    "group": "add group billing",
    "client": "add client payments",
    "entity": "add entity patient --field name:str:1..80",
    "field": "add field patient phone:str?",
    "deploy": "add deploy systemd",
}
NEEDS = {"route": ADDS["workflow"], "schedule": "add workflow clean-up", "field": ADDS["entity"]}
# The same name with something else, and the words of what differs.
OTHERWISE = {
    "workflow": ("add workflow place-order --takes sku:str", "takes: sku:str quantity:int there, sku:str asked"),
    "db-function": (f"{ADDS['db-function']} --read-only", "read_only: false there, true asked"),
    "query": ("add query stock-of --takes sku:str", "returns: left:int there, none asked"),
    "rpc": ("add rpc payments.charge --takes amount:int --returns receipt:str", "amount:Decimal there, amount:int"),
    "route": (f"{ADDS['route']} --wait 5", "wait: none there, 5 asked"),
    "webhook": ("add webhook approval", "takes: approved:bool there, none asked"),
    "schedule": (ADDS["schedule"].replace("2 *", "3 *"), "cron: 0 2 * * * there, 0 3 * * * asked"),
    "idempotency-key": (
        "add idempotency-key invoice --from number:int",
        "customer_id:str number:int there, number:int",
    ),
    "client": ("add client payments --group db", "group: workers there, db asked"),
    "entity": (f"{ADDS['entity']} --routes none", "routes: crud there, none asked"),
    "field": ("add field patient phone:str?:1..9", "field: phone:str? there, phone:str?:1..9 asked"),
}
KINDS = list(ADDS)


def made(factory: pytest.TempPathFactory) -> Path:
    """A bare service, made once a session."""
    root = factory.getbasetemp() / "services" / "orders"
    if not root.exists():
        arguments = ["--into", str(root.parent), "--bare", "--defaults", "--no-install", "--no-git"]
        assert cli.run(["new", "orders", *arguments]) == 0
    return root


@pytest.fixture
def service(
    tool: Tool, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A bare service of its own for each test, which `tool` runs in."""
    root = tmp_path / "orders"
    shutil.copytree(made(tmp_path_factory), root)
    monkeypatch.chdir(root)
    return root


def run(tool: Tool, *lines: str) -> Ran:
    """Command lines that have to work; how the last one ended."""
    for line in lines:
        ran = tool(*shlex.split(line))
        assert (ran.status, ran.err) == (0, ""), (line, ran)
    return ran


def kind_of(tool: Tool, kind: str, *options: str) -> Ran:
    """Add one of *kind*, and what it needs."""
    if kind in NEEDS:
        run(tool, NEEDS[kind])
    return run(tool, shlex.join([*shlex.split(ADDS[kind]), *options]))


def refused(tool: Tool, line: str, root: Path, *, lines: int = 2) -> Ran:
    """A command line that has to be refused, for people and for programs alike; nothing changes."""
    before = whole(root)
    ran = tool(*shlex.split(line))
    assert ran.status in {1, 2}, ran
    assert ran.out == ""
    said = ran.err.splitlines()
    assert [part.split()[0] for part in said[:2]] == ["error", "hint"], ran.err
    assert all(len(part.split()) > 1 for part in said[:2]), ran.err
    assert len(said) == lines, ran.err
    as_json = tool(*shlex.split(line), "--json")
    assert as_json.status in {1, 2}
    assert as_json.err == ""
    assert as_json.json.keys() == {"command", "project", "changes", "notes", "error"}
    assert as_json.json["command"] == shlex.split(line)[0]
    assert as_json.json["error"].keys() == {"message", "hint"}
    assert (as_json.json["changes"], as_json.json["notes"]) == ([], [])
    assert whole(root) == before
    return ran


def differences(before: dict[str, bytes], after: dict[str, bytes]) -> dict[str, str]:
    """What was done to each file that differs."""
    found: dict[str, str] = {}
    for name in before.keys() | after.keys():
        if before.get(name) != after.get(name):
            found[name] = "create" if name not in before else "delete" if name not in after else "edit"
    return found


def records(root: Path) -> list[str]:
    """The names of the records of a service, in their order."""
    return sorted(path.name for path in (root / ADDED).iterdir()) if (root / ADDED).exists() else []


def said_of_files(ran: Ran) -> dict[str, str]:
    words = [line.split() for line in ran.out.splitlines()]
    return {line[1]: line[0] for line in words if line[0] in {"create", "edit", "delete"}}


@pytest.mark.parametrize("kind", KINDS)
def test_says_what_it_does(tool: Tool, service: Path, kind: str) -> None:
    if kind in NEEDS:
        run(tool, NEEDS[kind])
    before = tree(service)
    ran = run(tool, ADDS[kind])
    done = differences(before, tree(service))
    (record,) = [name for name in done if name.startswith(ADDED)]
    assert record.startswith(f"{ADDED}/{len(records(service)):04}-{kind}-")
    assert done.pop(record) == "create"
    assert said_of_files(ran) == done
    assert {"create"} <= set(done.values()) <= {"create", "edit"}  # a deployment edits nothing

    added = tree(service)
    ran = run(tool, removing(ADDS[kind]))
    undone = differences(added, tree(service))
    assert undone.pop(record) == "delete"
    assert said_of_files(ran) == undone
    assert tree(service) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_dry_run_prints_the_whole_difference(tool: Tool, service: Path, tmp_path: Path, kind: str) -> None:
    if kind in NEEDS:
        run(tool, NEEDS[kind])
    before = whole(service)
    shown = kind_of(tool, kind, "--dry-run")
    as_json = kind_of(tool, kind, "--dry-run", "--json").json
    assert whole(service) == before
    assert as_json.keys() == {"command", "project", "changes", "notes", "error", "diff"}
    assert as_json["diff"] in shown.out
    assert "Dry run: nothing was changed" in shown.out

    # The printed difference is a patch: applied by git, it does what the command does.
    patched = tmp_path / "patched"
    shutil.copytree(service, patched)
    git(patched, "init", "-q")
    (patch := tmp_path / "patch").write_bytes(f"{as_json['diff']}\n".encode())
    git(patched, "apply", "--whitespace=nowarn", str(patch))
    if kind == "group":
        (patched / "orders/billing/__init__.py").touch()  # no unified difference can show a file without a line
    there = tree(service)
    done = run(tool, f"{ADDS[kind]} --json").json
    assert tree(patched) == tree(service)
    assert {change["path"]: change["action"] for change in done["changes"]} == differences(there, tree(service))
    assert done.keys() == {"command", "project", "changes", "notes", "error"}
    assert (done["command"], done["project"], done["error"]) == ("add", str(service), None)
    assert (done["changes"], done["notes"]) == (as_json["changes"], as_json["notes"])


def test_a_dry_run_of_a_removal(tool: Tool, service: Path) -> None:
    kind_of(tool, "workflow")
    before = whole(service)
    ran = run(tool, "remove workflow place-order --dry-run")
    assert "--- a/orders/workflows/place_order.py\n+++ /dev/null\n" in ran.out
    assert "delete  orders/workflows/place_order.py" in ran.out
    ran = run(tool, "remove workflow place-order --dry-run --json")
    assert ran.json["command"] == "remove"
    assert "+++ /dev/null" in ran.json["diff"]
    assert whole(service) == before


@pytest.mark.parametrize("kind", KINDS)
def test_again_changes_nothing(tool: Tool, service: Path, kind: str) -> None:
    kind_of(tool, kind)
    before = whole(service)
    ran = run(tool, ADDS[kind])
    assert "is there already: nothing to do" in ran.out
    assert said_of_files(ran) == {}
    as_json = run(tool, f"{ADDS[kind]} --json").json
    assert as_json["changes"] == []
    assert as_json["error"] is None
    assert run(tool, f"{ADDS[kind]} --dry-run --json").json["diff"] == ""
    assert whole(service) == before


def test_again_with_other_spelling_is_the_same(tool: Tool, service: Path) -> None:
    run(tool, ADDS["workflow"], ADDS["route"], ADDS["idempotency-key"], NEEDS["schedule"], ADDS["schedule"])
    before = whole(service)
    run(tool, ADDS["workflow"].replace("place-order", "place_order").replace("quantity:int", "'quantity: int'"))
    run(tool, "add route post /orders --workflow place-order --idempotency optional")
    run(tool, "add idempotency-key invoice --from customer_id:str --from number:int")
    run(tool, "add schedule nightly --workflow clean-up --cron ' 0  2 * * * '")
    assert whole(service) == before


def test_how_a_schedule_catches_up_and_overlaps(tool: Tool, service: Path) -> None:
    run(tool, NEEDS["schedule"])
    line = f"{ADDS['schedule']} --catch-up all --overlap queue"
    run(tool, line)
    entry = (service / "orders/workflows/worker.py").read_text("utf-8")
    assert 'Schedule("nightly", "0 2 * * *", clean_up, CleanUp(), catch_up="all", overlap="queue")' in entry
    assert "is there already: nothing to do" in run(tool, line).out
    assert "catch_up: all there, none asked" in refused(tool, ADDS["schedule"], service).err
    (found,) = run(tool, "list schedule --json").json["inventory"]["schedules"]
    assert (found["catch_up"], found["overlap"]) == ("all", "queue")
    weekly = "add schedule weekly --workflow clean-up --cron '0 3 * * MON'"
    shown = run(tool, weekly, "list schedule").out.splitlines()
    assert [line.endswith("  catch_up=all, overlap=queue") for line in shown if "clean-up" in line] == [True, False]
    run(tool, "remove schedule nightly --yes", line.replace("all", "latest").replace("queue", "skip"))
    assert "catch_up" not in (service / "orders/workflows/worker.py").read_text("utf-8")
    assert "catch_up" not in run(tool, "list schedule --json").out + run(tool, "list schedule").out


def test_a_workflow_that_is_there_gets_its_route(tool: Tool, service: Path) -> None:
    run(tool, ADDS["workflow"])
    ran = run(tool, f"{ADDS['workflow']} --route")
    assert "orders/api/place_order.py" in said_of_files(ran)
    assert "orders/contracts/workflows/place_order.py" not in said_of_files(ran)
    before = whole(service)
    run(tool, f"{ADDS['workflow']} --route")
    assert whole(service) == before


@pytest.mark.parametrize("kind", OTHERWISE)
def test_the_same_name_with_other_options(tool: Tool, service: Path, kind: str) -> None:
    kind_of(tool, kind)
    line, words = OTHERWISE[kind]
    ran = refused(tool, line, service)
    assert ran.status == 1
    assert "is there already, as something else" in ran.err
    assert words in ran.err
    assert f"resonate-scaffold remove {kind} " in ran.err


# Where it is run


@pytest.mark.parametrize("line", [*ADDS.values(), "remove workflow x", "list"])
def test_outside_a_service(tool: Tool, line: str) -> None:
    ran = refused(tool, line, Path())
    assert ran.status == 1
    assert "is not in a service made by resonate-scaffold" in ran.err


@pytest.mark.parametrize("where", ["orders", "orders/workflows", "tests", "."])
def test_from_anywhere_in_it(tool: Tool, service: Path, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(service.parent)
    ran = run(tool, f"{ADDS['workflow']} --project orders/{where} --json")
    assert ran.json["project"] == str(service)
    assert (service / "orders/workflows/place_order.py").exists()
    assert run(tool, f"list --project orders/{where} workflow --json").json["project"] == str(service)
    monkeypatch.chdir(service / where)
    run(tool, "remove workflow place-order")
    assert not (service / "orders/workflows/place_order.py").exists()


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b"null", b'{"tool": "another"}', b"\xff\xfe", b'{"tool": "resonate-scaffold"}', b"[" * 9999],
)
@pytest.mark.parametrize("line", [ADDS["workflow"], "remove workflow x", "list"])
def test_a_damaged_manifest(tool: Tool, service: Path, damage: bytes, line: str) -> None:
    (service / MANIFEST).write_bytes(damage)
    ran = refused(tool, line, service)
    assert ran.status == 1
    assert MANIFEST in ran.err


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 9999,
        b'{"kind": "workflow"}',
        b'{"kind": 1, "name": "place-order", "options": {}, "files": {}, "edits": {}}',
        b'{"kind": "workflow", "name": "place-order", "options": {}, "files": {"../x": "a"}, "edits": {}}',
        b'{"kind": "workflow", "name": "place-order", "options": {}, "files": {"a": 1}, "edits": {}}',
        b'{"kind": "workflow", "name": "place-order", "options": {}, "files": {}, "edits": {"/x": {}}}',
        b"<<<<<<< ours\n{}\n=======\n{}\n>>>>>>> theirs\n",
    ],
    ids=range(12),
)
def test_a_damaged_record_is_named(tool: Tool, service: Path, damage: bytes) -> None:
    run(tool, ADDS["db-function"], ADDS["workflow"])
    record = f"{ADDED}/0002-workflow-place-order.json"
    (service / record).write_bytes(damage)
    for line in (ADDS["workflow"], "remove workflow place-order"):
        ran = refused(tool, line, service)
        assert ran.status == 1
        error, hint = ran.err.splitlines()
        assert f"{record} cannot be read: " in error
        anew = "or make it again from the code: resonate-scaffold list --repair"
        assert hint.endswith(f"Restore it: git checkout -- {record}, {anew}")
    # It is in nobody else's way.
    run(tool, "list", ADDS["rpc"], "remove db-function reserve-stock")


def test_what_is_no_record_is_left_alone(tool: Tool, service: Path) -> None:
    run(tool, ADDS["workflow"])
    for name in ("notes.txt", "1-workflow-x.json", "0002-workflow-x.json.orig", "workflow-x.json"):
        (service / ADDED / name).write_text("mine")
    run(tool, ADDS["db-function"], "remove workflow place-order")
    assert [name for name in records(service) if name[:2] == "00"] == [
        "0002-db-function-reserve-stock.json",
        "0002-workflow-x.json.orig",
    ]


# Two people


def committed(service: Path, message: str) -> None:
    git(service, "add", "--all")
    git(service, "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "--quiet", "--message", message)


# Two adds, each on a branch of its own, and the files in which they conflict.
BRANCHES = [
    (ADDS["workflow"], ADDS["db-function"], set()),
    (ADDS["workflow"], ADDS["rpc"], set()),
    (ADDS["workflow"], "add schedule nightly --workflow clean-up --cron '0 2 * * *'", set()),
    (ADDS["webhook"], ADDS["idempotency-key"], set()),
    (ADDS["group"], ADDS["route"].replace("place-order", "clean-up"), set()),
    (ADDS["rpc"], "add rpc payments.refund", {"orders/fakes/worker.py"}),
    (ADDS["rpc"], "add rpc mail.send", {"orders/fakes/worker.py", "Procfile.dev"}),
    (ADDS["workflow"], "add workflow ship-order", {"orders/workflows/worker.py"}),
    (ADDS["db-function"], "add db-function free-stock", {"orders/db/worker.py"}),
    (ADDS["webhook"], ADDS["route"].replace("place-order", "clean-up"), {"orders/api/app.py"}),
    (ADDS["idempotency-key"], "add idempotency-key refund --from receipt", {"orders/ids.py"}),
    (ADDS["group"], "add group risk", {"Procfile", "compose.yaml", "orders/__main__.py"}),
]


@pytest.mark.parametrize(("one", "other", "conflicts"), BRANCHES)
def test_two_branches_that_each_add_something(
    tool: Tool, service: Path, one: str, other: str, conflicts: set[str]
) -> None:
    """They merge without a conflict in a record; a list that both append to is theirs to put together."""
    git(service, "init", "--quiet", "--initial-branch", "main")
    run(tool, "add workflow clean-up")
    committed(service, "base")
    base = tree(service)
    for branch, line in (("one", one), ("other", other)):
        git(service, "checkout", "--quiet", "-b", branch, "main")
        run(tool, line)
        committed(service, line)
    merge = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "merge", "--quiet", "one"]
    merged = subprocess.run(["git", "-C", str(service), *merge], capture_output=True, check=False)
    assert set(git(service, "diff", "--name-only", "--diff-filter=U").split()) == conflicts
    assert (merged.returncode == 0) == (not conflicts)
    assert len(records(service)) == 3
    assert [name[:4] for name in records(service)] == ["0001", "0002", "0002"]
    if conflicts:
        return

    for line in (one, other):
        assert "is there already: nothing to do" in run(tool, line).out
    run(tool, "list", "add group later")
    assert records(service)[-1] == "0003-group-later.json"
    run(tool, removing(one), removing(other), "remove group later")
    assert tree(service) == base


def test_a_conflict_that_was_put_together_by_hand(tool: Tool, service: Path) -> None:
    """Both sides of it, as an editor offers: the worker is theirs then, and `remove` finds its way in it."""
    git(service, "init", "--quiet", "--initial-branch", "main")
    committed(service, "base")
    before = tree(service)
    for branch, name in (("one", "clean-up"), ("other", "ship-order")):
        git(service, "checkout", "--quiet", "-b", branch, "main")
        run(tool, f"add workflow {name}")
        committed(service, name)
    merge = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "merge", "--quiet", "one"]
    assert subprocess.run(["git", "-C", str(service), *merge], capture_output=True, check=False).returncode == 1
    worker = service / "orders/workflows/worker.py"
    lines = worker.read_text().splitlines(keepends=True)
    worker.write_text("".join(line for line in lines if not line.startswith(("<<<<<<<", "=======", ">>>>>>>"))))
    committed(service, "both")
    listed = run(tool, "list workflow --json").json["inventory"]["workflows"]
    assert [(entry["name"], bool(entry["served"])) for entry in listed] == [("clean-up", True), ("ship-order", True)]
    run(
        tool,
        "add workflow tidy-up",
        "remove workflow clean-up",
        "remove workflow ship-order",
        "remove workflow tidy-up",
    )
    assert tree(service) == before


def test_everything_and_then_nothing(tool: Tool, service: Path) -> None:
    """On the disk, to the byte and to the directory; in an order that the random ones of `test_remove` do not fix."""
    before = whole(service)
    run(tool, NEEDS["schedule"], *ADDS.values())
    numbers = [int(name.partition("-")[0]) for name in records(service)]
    assert numbers == [*range(1, len(ADDS) + 2)]
    dependent_first = sorted(ADDS, key=lambda kind: kind not in NEEDS)
    run(tool, *(removing(ADDS[kind]) for kind in dependent_first))
    run(tool, "remove workflow clean-up")
    assert whole(service) == before


# What has to be edited and cannot be


def test_a_syntax_error_is_named_with_its_line(tool: Tool, service: Path) -> None:
    worker = service / "orders/workflows/worker.py"
    lines = worker.read_text().count("\n")
    worker.write_text(f"{worker.read_text()}def broken(:\n")
    ran = refused(tool, ADDS["workflow"], service)
    assert f"orders/workflows/worker.py, line {lines + 1}" in ran.err
    assert "Mend it" in ran.err


def test_a_file_that_is_not_utf_8(tool: Tool, service: Path) -> None:
    worker = service / "orders/workflows/worker.py"
    worker.write_bytes(worker.read_bytes() + b"# caf\xe9\n")
    ran = refused(tool, ADDS["workflow"], service)
    assert "orders/workflows/worker.py" in ran.err
    assert "UTF-8" in ran.err


@pytest.mark.parametrize(
    "path", ["tests/test_guarantees.py", "tests/conftest.py", "orders/db/models.py", "orders/runtime/durable/once.py"]
)
def test_what_is_broken_elsewhere_is_in_nobodys_way(tool: Tool, service: Path, path: str) -> None:
    (service / path).write_text("def broken(:\n")
    run(tool, ADDS["workflow"], "remove workflow place-order")


def test_a_list_that_cannot_be_edited(tool: Tool, service: Path) -> None:
    worker = service / "orders/workflows/worker.py"
    text = worker.read_text()
    assert "SERVED: list[Registration] = []" in text
    worker.write_text(text.replace("SERVED: list[Registration] = []", "SERVED: list[Registration] = [] + []"))
    before = tree(service)
    ran = tool(*shlex.split(ADDS["workflow"]))
    assert ran.status == 1
    assert tree(service) == before
    error, hint, *paste = ran.err.splitlines()
    assert "orders/workflows/worker.py" in error
    assert "Paste this into orders/workflows/worker.py" in hint
    *imports, element = (line.strip() for line in paste)
    assert tool(*shlex.split(ADDS["workflow"]), "--json").json["error"]["hint"].splitlines()[1:] == paste

    # What it says to paste is what is missing: with it, the command works, and leaves the list alone.
    text = worker.read_text().replace("[] + []", f"[] + [{element}]")
    worker.write_text(text.replace("\nfrom ", f"\n{chr(10).join(imports)}\nfrom ", 1))
    ran = run(tool, ADDS["workflow"])
    assert "orders/workflows/worker.py" not in said_of_files(ran)
    assert "orders/workflows/place_order.py" in said_of_files(ran)


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("workflow", "orders/workflows/worker.py"),
        ("db-function", "orders/db/worker.py"),
        ("rpc", "orders/fakes/worker.py"),
        ("route", "orders/api/app.py"),
        ("webhook", "orders/api/app.py"),
        ("schedule", "orders/workflows/worker.py"),
        ("idempotency-key", "orders/ids.py"),
        ("group", "orders/__main__.py"),
    ],
)
def test_a_file_that_is_gone(tool: Tool, service: Path, kind: str, path: str) -> None:
    if kind in NEEDS:
        run(tool, NEEDS[kind])
    (service / path).unlink()
    ran = refused(tool, ADDS[kind], service)
    assert f"{path} is not there" in ran.err
    assert "Restore it" in ran.err


def test_a_directory_that_cannot_be_read(tool: Tool, service: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root, who may run these tests, can read everything: so the system's answer is put in place."""
    scandir = os.scandir

    def refuse(path: Path) -> Iterator[os.DirEntry[str]]:
        if str(path).endswith("orders/contracts"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scandir(path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", refuse)
        for line in (ADDS["workflow"], "list"):
            ran = tool(*shlex.split(line))
            assert ran.status == 1
            assert ran.err.splitlines()[0].endswith("orders/contracts: Permission denied")
    assert records(service) == []


@pytest.mark.parametrize(
    "path",
    [
        "orders/contracts/workflows/place_order.py",
        "orders/workflows/place_order.py",
        "tests/test_workflow_place_order.py",
    ],
)
def test_a_file_that_is_in_the_way(tool: Tool, service: Path, path: str) -> None:
    (service / path).write_text("mine = 1\n")
    assert f"{path} is there already" in refused(tool, ADDS["workflow"], service).err
    (service / path).unlink()
    (service / path).symlink_to("nowhere.py")
    assert f"{path} is there already" in refused(tool, ADDS["workflow"], service).err


# What anybody may type wrongly

GROWN = (
    ADDS["workflow"],
    ADDS["route"],
    ADDS["idempotency-key"],
    ADDS["group"],
    NEEDS["schedule"],
    "add db-function read-stock --takes sku:str --returns left:int --read-only",
    "add db-function tag-many --takes names:list[str]",
    "add rpc payments.refund --takes amount:int",
    "add rpc mail.refund --takes amount:int",
    "add rpc payments.workers.send --takes amount:int",
)
WRONG = r"""
add
add nope
add workflow
add workflow one two
add workflow place-order --takes sku
add workflow Ship
add workflow ship_
add workflow -- -ship
add workflow 9lives
add workflow ''
add workflow ' '
add workflow 'ship order'
add workflow ../ship
add workflow /ship
add workflow ship.order
add workflow naïve
add workflow aaaaaaaaaabbbbbbbbbbccccccccccdddddd
add workflow charge_ --route
add workflow worker
add workflow refund-order --takes
add workflow ship --nope
add workflow ship --route yes
add workflow ship --takes ''
add workflow ship --takes :str
add workflow ship --takes a:
add workflow ship --takes a:string
add workflow ship --takes 'a:str | int'
add workflow ship --takes 'a:int>0'
add workflow ship --takes 'a:str{1,80}'
add workflow ship --takes a:str:gt0
add workflow ship --takes a:int:5..1
add workflow ship --takes a:int=x
add workflow ship --takes a:int:1..5=9
add workflow ship --takes aB:str --takes a_b:str
add workflow ship --takes --:str
add workflow ship --map a
add workflow ship --map read_stock.sku=request.sku
add workflow ship --takes a:Nope
add workflow ship --takes a:payments.Nope
add workflow ship --takes a:Refund
add workflow ship --takes a:list
add workflow ship --takes a:list[str
add workflow ship --takes a:list[]
add workflow ship --takes a:dict[int,str]
add workflow ship --takes a:str??
add workflow ship --takes a:__import__('os')
add workflow ship --takes a:str --takes a:int
add workflow ship --returns a
add workflow ship --calls nope
add workflow ship --calls ''
add workflow ship --calls ship
add workflow ship --calls db.nope
add workflow ship --calls refund
add workflow ship --project nowhere
add workflow ship --project pyproject.toml
add workflow ship --project ..
add workflow ship --project ''/dev/null
add db-function Stock
add db-function db.stock
add db-function worker
add db-function models
add db-function read-stock
add db-function stock --takes sku
add db-function stock --read-only=perhaps
add rpc
add rpc charge
add rpc payments.
add rpc .charge
add rpc a.payments.charge.twice
add rpc payments..charge
add rpc payments.1charge
add rpc 'payments.charge card'
add rpc payments.größe
add rpc payments.aaaaaaaaaabbbbbbbbbbccccccccccdddd
add rpc orders.payments.charge
add rpc orders.workers.charge
add rpc orders.db.charge
add rpc db.charge
add rpc workers.charge
add rpc api.charge
add rpc payments.refund
add rpc payments.charge --takes amount
add rpc payments.charge --returns amount:money
add route
add route POST
add route POST /x
add route POST /x --workflow
add route POST /x --workflow nope
add route POST /x --workflow db.read_stock
add route POST /x --rpc nope
add route POST /x --workflow place-order --rpc db.read_stock
add route FETCH /x --workflow place-order
add route '' /x --workflow place-order
add route POST x --workflow place-order
add route POST '' --workflow place-order
add route POST / --workflow place-order
add route POST //x --workflow place-order
add route POST /x/ --workflow place-order
add route POST '/x y' --workflow place-order
add route POST '/x?a=b' --workflow place-order
add route POST /x/../y --workflow place-order
add route POST /ä --workflow place-order
add route POST /{sku} --workflow place-order
add route POST /x/{ --workflow place-order
add route POST /x/{} --workflow place-order
add route POST /x/{nope} --workflow place-order
add route POST /x/{id} --workflow place-order
add route POST /x/{sku}/{sku} --workflow place-order
add route POST /x/{names} --rpc db.tag_many
add route GET /x --rpc db.tag_many --wait 5
add route GET /x --workflow place-order
add route GET /livez --rpc db.read_stock --wait 5
add route POST /orders --workflow clean-up
add route POST /orders --workflow place-order --wait 5
add route PUT /jobs/orders/{sku} --workflow place-order
add route GET /x --rpc db.read_stock --wait 5 --poll /y/{id}
add route POST /x --workflow place-order --poll /y
add route POST /x --workflow place-order --poll /{id}
add route POST /x --workflow place-order --poll y/{id}
add route POST /x --workflow place-order --poll /y/{sku}/{id}
add route POST /x --workflow place-order --poll /y/{sku}
add route POST /x --workflow place-order --poll /jobs/orders/{id}
add route PUT /x/{sku} --workflow place-order --poll /x/{id}
add route POST /x --workflow place-order --name X
add route POST /x --workflow place-order --name invoice
add route GET /x --query nope
add route POST /x --query stock
add route POST /x --workflow place-order --wait 0
add route POST /x --workflow place-order --wait -1
add route POST /x --workflow place-order --wait 26
add route POST /x --workflow place-order --wait soon
add route POST /x --workflow place-order --idempotency maybe
add route POST /x --workflow place-order --key nope
add route POST /x --workflow place-order --key invoice
add route POST /x --workflow place-order --key invoice --idempotency required
add webhook Approval
add webhook place-order
add webhook invoice
add webhook db
add webhook schedule
add idempotency-key db --from number
add idempotency-key schedule --from number
add webhook approval --workflow nope
add webhook approval --workflow db.read_stock
add webhook approval --takes ok
add webhook approval --takes ok:Nope
add webhook approval --takes job_id:str
add webhook approval --takes data:str --id-from data.id
add webhook approval --id-from data..id
add webhook approval --id-from data.--
add webhook approval --id-from a.b.c.d.e.f.g
add webhook approval --scheme paypal
add webhook approval --starts nope
add webhook approval --starts db.read_stock
add webhook approval --starts place-order --takes ok:bool
add webhook approval --starts place-order --workflow place-order
add webhook approval --starts place-order --id-from id
add webhook approval --starts place-order --scheme former
add webhook approval --id-from data.id --scheme former
add schedule nightly
add schedule nightly --workflow clean-up
add schedule nightly --cron '0 2 * * *'
add schedule Nightly --workflow clean-up --cron '0 2 * * *'
add schedule nightly --workflow nope --cron '0 2 * * *'
add schedule nightly --workflow place-order --cron '0 2 * * *'
add schedule nightly --workflow db.read_stock --cron '0 2 * * *'
add schedule nightly --workflow clean-up --cron ''
add schedule nightly --workflow clean-up --cron '0 2 * *'
add schedule nightly --workflow clean-up --cron '0 2 * * * *'
add schedule nightly --workflow clean-up --cron '61 2 * * *'
add schedule nightly --workflow clean-up --cron '*/0 2 * * *'
add schedule nightly --workflow clean-up --cron @daily
add schedule nightly --workflow clean-up --cron 'a b c d e'
add schedule nightly --workflow clean-up --cron '0 2 * * 1'
add schedule nightly --workflow clean-up --cron '0 2 1 * MON'
add schedule nightly --workflow clean-up --cron '0 2 30 2 *'
add schedule nightly --workflow clean-up --cron '0 2 * * FRI-MON'
add schedule nightly --workflow clean-up --cron '22-2 * * * *'
add schedule nightly --workflow clean-up --cron '0 2 * NOV-FEB *'
add schedule nightly --workflow clean-up --cron '0 2 L * *'
add schedule nightly --workflow clean-up --cron '5-1 * * * *'
add schedule nightly --workflow clean-up --cron '5/7 * * * *'
add schedule nightly --workflow clean-up --cron '0 2 * * MON/2'
add schedule nightly --workflow clean-up --cron '0 2 5-5 * *'
add schedule nightly --workflow clean-up --cron '0 2 * 3-MAY *'
add idempotency-key bill
add idempotency-key bill --from
add idempotency-key bill --from ''
add idempotency-key bill --from caller
add idempotency-key bill --from caller:int --from number
add idempotency-key bill --from number:float
add idempotency-key bill --from number:str?
add idempotency-key bill --from number --from number
add idempotency-key Bill --from number
add idempotency-key place-order --from number
add group
add group Billing
add group db
add group api
add group tests
add group contracts
add group mail
add group payments_workers
add group runtime
add group settings
add group fakes
add group workflows
add group workers
add group worker
add group release
add group resonate
add group service-db
remove
remove nope
remove workflow
remove nope nope
remove workflow nope
remove workflow place-order clean-up
remove workflow place-order
remove route POST
remove route /orders
remove route GET /orders
remove db-function db.nope
remove rpc refund
remove group db
list nope
list workflow place-order
list --dry-run
list --project nowhere
"""


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service with something of each kind, for refusals only."""
    root = tmp_path_factory.mktemp("grown") / "orders"
    shutil.copytree(made(tmp_path_factory), root)
    handler = signal.getsignal(signal.SIGTERM)
    for line in GROWN:
        assert cli.run([*shlex.split(line), "--project", str(root)]) == 0
    signal.signal(signal.SIGTERM, handler)
    return root


@pytest.mark.parametrize("line", [line for line in WRONG.splitlines() if line])
def test_wrong_command_lines(tool: Tool, grown: Path, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(grown)
    refused(tool, line, grown)


@pytest.mark.parametrize(
    "line",
    [
        ("add", "workflow", "{}"),
        ("add", "workflow", "ship", "--takes", "{}"),
        ("add", "workflow", "ship", "--takes", "{}:str"),
        ("add", "workflow", "ship", "--takes", "a:{}"),
        ("add", "workflow", "ship", "--calls", "{}"),
        ("add", "workflow", "ship", "--project", "{}"),
        ("add", "rpc", "{}"),
        ("add", "rpc", "payments.{}"),
        ("add", "route", "{}", "/x", "--workflow", "place-order"),
        ("add", "route", "POST", "/{}/", "--workflow", "place-order"),
        ("add", "route", "POST", "/x", "--workflow", "{}"),
        ("add", "route", "POST", "/x", "--workflow", "place-order", "--key", "{}"),
        ("add", "schedule", "nightly", "--workflow", "clean-up", "--cron", "{}"),
        ("add", "idempotency-key", "bill", "--from", "{}"),
        ("remove", "workflow", "{}"),
        ("remove", "{}", "x"),
    ],
    ids=" ".join,
)
def test_whatever_is_typed_stays_on_its_line(
    tool: Tool, grown: Path, line: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(grown)
    before = whole(grown)
    for text in ("a\nb", "a\x1b[31m\r", "\udcff", "x" * 5000):
        ran = tool(*(part.replace("{}", text) for part in line))
        assert ran.status in {1, 2}
        assert [part.split()[0] for part in ran.err.split("\n")[:-1]] == ["error", "hint"], ran.err
        assert not {"\x1b", "\r"} & {*ran.err}
    assert whole(grown) == before


# What it costs


@pytest.mark.parametrize("line", [f"{ADDS['workflow']} --route", ADDS["rpc"], "list", "remove group billing"])
def test_imports_nothing_heavy(service: Path, line: str) -> None:
    if line.startswith("remove"):
        subprocess.run([PROGRAM, *shlex.split(ADDS["group"])], cwd=service, check=True, capture_output=True)
    heavy = {"copier", "resonate", "rich", "asyncio", "aiohttp", "croniter", "yaml"}
    assert not imported_by(*shlex.split(line), cwd=service) & heavy


# What is there


def test_lists_all_that_was_added(tool: Tool, service: Path) -> None:
    run(tool, NEEDS["schedule"], *ADDS.values())
    ran = run(tool, "list")
    headings = [line for line in ran.out.splitlines() if line and not line.startswith(" ")]
    assert headings == [
        "Routes",
        "Workflows",
        "Database functions",
        "Queries",
        "RPC",
        "Webhooks",
        "Schedules",
        "Idempotency keys",
        "Groups",
        "Clients of HTTP APIs",
        "Entities",
        "Fields of entities",
        "Deployments",
    ]
    assert "POST /orders" in ran.out
    listed = run(tool, "list --json").json
    assert listed.keys() == {"command", "project", "changes", "notes", "error", "inventory"}
    inventory = listed["inventory"]
    assert list(inventory) == list(listing.KINDS.values())
    names = {section: {entry["name"] for entry in entries} for section, entries in inventory.items()}
    assert names["workflows"] == {"place-order", "clean-up"}
    writes = {f"db.{verb}_patient" for verb in ("create", "update", "delete")}
    assert names["db_functions"] == {"db.reserve_stock", *writes}
    assert names["queries"] == {"stock_of", "find_patient", "list_patients"}
    assert names["rpc"] == {"payments.charge"}
    assert names["routes"] >= {"POST /orders", "GET /jobs/orders/{id}", "POST /webhooks/approval"}
    assert names["webhooks"] == {"approval"}
    assert names["schedules"] == {"nightly"}
    assert names["idempotency_keys"] == {"invoice"}
    assert names["groups"] == {"api", "billing", "db", "payments", "workers"}
    assert names["entities"] == {"patient"}
    assert names["fields"] == {"patient name", "patient phone"}
    for entry in itertools.chain.from_iterable(inventory.values()):
        assert (service / entry["file"]).read_text().splitlines()[entry["line"] - 1].strip()
    started = inventory["workflows"][1]["started"]
    assert [place["file"] for place in started] == ["orders/api/orders.py"]

    for kind, section in listing.KINDS.items():
        assert run(tool, f"list {kind} --json").json["inventory"] == {section: inventory[section]}
        text = run(tool, f"list {kind}").out
        assert text in ran.out
        assert all(name in text for name in names[section])


def test_lists_what_nobody_added_with_the_tool(tool: Tool, service: Path) -> None:
    (service / "orders/ids.py").write_text(
        "from .runtime.durable.ids import keyed\n\n\ndef mine(number: int) -> str:\n    return keyed('mine', number)\n"
    )
    (key,) = run(tool, "list idempotency-key --json").json["inventory"]["idempotency_keys"]
    assert (key["name"], key["fields"]) == ("mine", ["number"])


@pytest.mark.parametrize("kind", [kind for kind in listing.KINDS if kind not in {"route", "group"}])
def test_lists_nothing_in_so_many_words(tool: Tool, service: Path, kind: str) -> None:
    ran = run(tool, f"list {kind}")
    assert ran.out.split() == f"note There is no {kind} in this service".split()
    assert run(tool, f"list {kind} --json").json["inventory"] == {listing.KINDS[kind]: []}


def test_the_kinds_are_one_list() -> None:
    assert {kind.value for kind in Kind} == set(listing.KINDS) == set(ADDS)


# Completion, by what Typer's scripts for the shells call


def completed(process: Tool, line: str, cwd: Path, shell: str = "bash") -> list[str]:
    """What a shell offers at the end of a line."""
    words = line.split(" ")
    env = {"_RESONATE_SCAFFOLD_COMPLETE": f"complete_{shell}", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    if shell == "zsh":
        env = {"_RESONATE_SCAFFOLD_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": line}
    ran = process(cwd=cwd, env=env)
    assert (ran.status, ran.err) == (0, "")
    return ran.out.split() if shell == "bash" else ran.out.splitlines()


@pytest.mark.parametrize("command", ["add", "remove", "list"])
def test_completes_the_kinds(process: Tool, service: Path, command: str) -> None:
    offered = {*ADDS, "example"} if command == "remove" else set(ADDS)
    assert set(completed(process, f"resonate-scaffold {command} ", service)) == offered
    assert completed(process, f"resonate-scaffold {command} w", service) == ["workflow", "webhook"]


def test_completes_the_kinds_in_zsh(process: Tool, service: Path) -> None:
    offered = "\n".join(completed(process, "resonate-scaffold add w", service, "zsh"))
    assert '"workflow":' in offered
    assert '"webhook":' in offered
    assert '"route":' not in offered


def test_completes_what_was_added(tool: Tool, process: Tool, service: Path) -> None:
    run(tool, ADDS["workflow"], "add workflow clean-up", ADDS["route"], ADDS["rpc"])
    assert completed(process, "resonate-scaffold remove workflow ", service) == ["clean-up", "place-order"]
    assert completed(process, "resonate-scaffold remove route ", service) == ["POST"]
    assert completed(process, "resonate-scaffold remove route POST ", service) == ["/orders"]
    (service / MANIFEST).write_text("{")
    assert completed(process, "resonate-scaffold remove workflow ", service) == []


# Kill -9


def remembered(lays_out: Callable[[Files, Iterable[Draft]], Layout]) -> Callable[[Files, Iterable[Draft]], Layout]:
    known: dict[tuple[tuple[PurePosixPath, bytes], ...], Layout] = {}

    def once(files: Files, drafts: Iterable[Draft]) -> Layout:
        drafts = list(drafts)
        asked = tuple((draft.path, draft.after) for draft in drafts)
        if asked not in known:
            known[asked] = lays_out(files, drafts)
        return known[asked]

    return once


def test_a_kill_at_any_change_leaves_before_or_after(
    tool: Tool, service: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    # What is laid out is the same each time, and happens elsewhere: it is written once only.
    monkeypatch.setattr("resonate_scaffold.generators.addition.lay_out", remembered(lay_out))
    command = [*shlex.split(ADDS["workflow"]), "--route"]
    before = whole(service)
    done = tmp_path / "done"
    shutil.copytree(service, done)
    run(tool, shlex.join([*command, "--project", str(done)]))
    after = whole(done)
    ends: list[Tree] = []
    for at in itertools.count():
        root = tmp_path / "killed"
        shutil.copytree(service, root)
        code = faulty(lambda: cli.run([*command, "--project", str(root)]), kill, at, WRITE)  # noqa: B023
        unsettled = whole(root)
        run(tool, f"list schedule --project {root}")
        assert whole(root) == unsettled
        disk.discover(root, settle=True)
        ends.append(whole(root))
        assert ends[-1] in (before, after)
        shutil.rmtree(root)
        if code == 0:
            assert unsettled == after
            break
        assert code == -signal.SIGKILL
    assert before in ends
    assert ends.count(after) > 1  # also by finishing what was begun
    assert len(ends) > 40


def test_a_plan_of_a_service_that_another_command_has_changed_is_refused(tool: Tool, service: Path) -> None:
    """The two need not touch one file: the route is of a workflow that the other command takes out."""
    run(tool, "add workflow clean-up")
    root, seen = disk.discover(service)
    plan = add_route(seen, RouteRequest("POST", "/cleanings", "clean-up"))
    run(tool, "remove workflow clean-up")
    before = whole(service)
    with pytest.raises(Changed, match="Another command has changed this service meanwhile"):
        disk.apply(root, plan, seen)
    assert whole(service) == before
