"""`remove`: every byte comes back; what somebody has written since stays; what is still used is not removed."""

from __future__ import annotations

import random
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

import pytest

from resonate_scaffold.errors import ScaffoldError, StillUsed, Unknown
from resonate_scaffold.inventory import inventory
from resonate_scaffold.plan import Create, Edit
from resonate_scaffold.project import MANIFEST, Project
from resonate_scaffold.survey import Survey
from tests.conftest import Tool
from tests.grown import fresh, grown, planned, rewritten
from tests.test_apply import whole
from tests.test_grow import MANIFEST as MANIFEST_NAME, run, said_of_files, service  # noqa: F401

# What is added, by what takes it back, and what it needs.
ADDS = {
    "workflow ship-order": "--takes order_id:UUID --takes 'at:datetime?' --returns tracking:str",
    "workflow clean-up": "",
    "db-function take-stock": "--takes sku:str --takes price:Decimal --returns left:int",
    "db-function read-shelf": "--takes sku:str --returns left:int --read-only",
    "rpc payments.charge": "--takes amount:Decimal --returns paid:bool",
    "rpc payments.refund": "--takes amount:Decimal --takes day:date",
    "rpc mail.send": "--takes to:list[str]",
    "route POST /shipments": "--workflow ship-order",
    "route GET /shelves/{sku}": "--rpc db.read_shelf --wait 5",
    "webhook consent": "--takes given:bool",
    "webhook delivered": "--takes at:datetime --workflow ship-order",
    "schedule nightly": "--workflow clean-up --cron '0 2 * * *'",
    "idempotency-key bill": "--from customer_id --from number:int --from day:date",
    "group billing": "",
    "rpc billing.dun": "--takes number:int --takes due:date",
}
NEEDS = {
    "route POST /shipments": "workflow ship-order",
    "route GET /shelves/{sku}": "db-function read-shelf",
    "webhook delivered": "workflow ship-order",
    "schedule nightly": "workflow clean-up",
    "rpc billing.dun": "group billing",
}
TEXTS = ("Procfile", "compose.yaml")
Files = Mapping[PurePosixPath, bytes]


def add(what: str) -> str:
    return f"add {what} {ADDS[what]}"


def needed(what: str) -> list[str]:
    return [add(NEEDS[what])] if what in NEEDS else []


def differing(one: Files, other: Files) -> list[str]:
    return sorted(str(path) for path in one.keys() | other.keys() if one.get(path) != other.get(path))


def check_style(project: Project, directory: Path) -> None:
    """Hold that a service is as its own `ruff` wants it."""
    for path, content in project.files.items():
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
    listed, expected = (inventory(Survey(project)) for project in (again, added))
    assert re.sub(r"'line': \d+", "", str(listed)) == re.sub(r"'line': \d+", "", str(expected))


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
@pytest.mark.parametrize("what", ADDS)
def test_keeps_what_somebody_has_written_since(what: str, edit: Callable[[bytes], bytes], tmp_path: Path) -> None:
    before = grown(fresh(bare=edit is for_windows), *needed(what))
    added = planned(before, add(what))
    code = {str(change.path) for change in added.changes if isinstance(change, Edit) and change.path.suffix == ".py"}
    assert code or what == "rpc payments.charge"
    project = grown(before, add(what))
    project = rewritten(project, {path: edit(project.files[PurePosixPath(path)]) for path in code})
    project = grown(project, f"remove {what}")
    for path in code:
        expected = edit(before.files[PurePosixPath(path)])
        found = project.files[PurePosixPath(path)]
        assert without_blank_lines(found) == without_blank_lines(expected)
    assert set(differing(project.files, before.files)) <= code | {MANIFEST_NAME}
    if edit is on_both_sides:
        check_style(project, tmp_path)


REFORMATTED = """\
SERVED: list[Served] = [
    # the first
    {clean_up},  # it cleans
    # the second
    {ship_order},  # it ships

    # what follows nothing
]
"""


@pytest.mark.parametrize("layout", [REFORMATTED, "SERVED: list[Served] = [{clean_up}, {ship_order}]\n"])
def test_takes_one_out_of_a_list_that_was_reformatted(layout: str) -> None:
    worker = "orders/workflows/worker.py"
    project = grown(fresh(bare=True), add("workflow clean-up"), add("workflow ship-order"))
    text = project.files[PurePosixPath(worker)].decode()
    found = re.search(r"(?ms)^SERVED.*?^\]\n|^SERVED.*?\]\n", text)
    assert found
    clean_up, ship_order = (f"serve(contracts.{name}, {name})" for name in ("clean_up", "ship_order"))
    assert clean_up in found[0]
    assert ship_order in found[0]
    mine = layout.format(clean_up=clean_up, ship_order=ship_order)
    project = rewritten(project, {worker: text.replace(found[0], mine).encode()})
    project = grown(project, "remove workflow clean-up")
    left = project.files[PurePosixPath(worker)].decode()
    assert "clean_up" not in left
    assert ship_order in left
    for comment in re.findall("# .*", mine):
        assert comment in left or "clean" in comment or comment == "# the first"
    project = grown(project, "remove workflow ship-order")
    assert "serve(" not in project.files[PurePosixPath(worker)].decode()


def test_what_somebody_has_taken_out_by_hand_is_not_missed() -> None:
    """The wiring was taken out by hand, and a file deleted: the rest goes."""
    before = fresh(bare=True)
    project = grown(before, add("workflow clean-up"))
    worker, test = PurePosixPath("orders/workflows/worker.py"), PurePosixPath("tests/test_workflow_clean_up.py")
    project = rewritten(project, {str(worker): before.files[worker]})
    files = dict(project.files)
    del files[test]
    project = Project(project.package, project.manifest, files)
    removed = grown(project, "remove workflow clean-up")
    assert set(differing(removed.files, before.files)) <= {MANIFEST_NAME}
    assert removed.manifest.files.keys() == before.manifest.files.keys()
    assert removed.manifest.adds == ()


def test_text_files_keep_what_somebody_has_written_since() -> None:
    before = fresh(bare=True)
    project = grown(before, add("group billing"))
    procfile, compose = PurePosixPath("Procfile"), PurePosixPath("compose.yaml")
    mine = {
        "Procfile": project.files[procfile] + b"# mine\nbilling2: mine\n",
        "compose.yaml": project.files[compose].replace(
            b"command: [group, billing]\n", b"command: [group, billing]\n    environment:\n\n      MINE: 1\n"
        )
        + b"# mine\n",
    }
    assert mine["compose.yaml"].count(b"MINE") == 1
    project = grown(rewritten(project, mine), "remove group billing")
    assert project.files[procfile] == before.files[procfile] + b"# mine\nbilling2: mine\n"
    assert project.files[compose] == before.files[compose] + b"# mine\n"


def test_in_a_package_that_was_renamed_since() -> None:
    project = grown(fresh(bare=True), *(add(what) for what in ADDS))
    renamed = {
        PurePosixPath("shop", *path.parts[1:]) if path.parts[0] == "orders" else path: content
        for path, content in project.files.items()
    }
    moved = Project("shop", project.manifest, renamed)
    for what in reversed(ADDS):
        moved = grown(moved, f"remove {what}")
    before = {
        PurePosixPath("orders", *path.parts[1:]) if path.parts[0] == "shop" else path: content
        for path, content in moved.files.items()
    }
    assert set(differing(before, fresh(bare=True).files)) <= {MANIFEST_NAME}
    assert moved.manifest.adds == ()


# Files that somebody has changed


def test_a_file_that_was_changed_is_kept_and_named(tool: Tool, service: Path) -> None:  # noqa: F811
    run(tool, add("workflow ship-order"))
    function = service / "orders/workflows/ship_order.py"
    function.write_text(mine := f"{function.read_text()}\n# mine\n")
    shown = run(tool, "remove workflow ship-order --dry-run")
    assert "Kept orders/workflows/ship_order.py" in shown.out
    ran = run(tool, "remove workflow ship-order")
    assert "Kept orders/workflows/ship_order.py" in ran.out
    assert "orders/workflows/ship_order.py" not in said_of_files(ran)
    assert function.read_text() == mine
    assert not (service / "tests/test_workflow_ship_order.py").exists()
    assert run(tool, "list workflow --json").json["inventory"] == {"workflows": []}
    assert "orders/workflows/ship_order.py" not in (service / MANIFEST_NAME).read_text()
    # It is theirs now, so the same cannot be added over it.
    assert "is there already" in tool(*shlex.split(add("workflow ship-order"))).err


def test_yes_deletes_it(tool: Tool, service: Path) -> None:  # noqa: F811
    before = whole(service)
    run(tool, add("workflow ship-order"))
    function = service / "orders/workflows/ship_order.py"
    function.write_text(f"{function.read_text()}\n# mine\n")
    ran = run(tool, "remove workflow ship-order --yes")
    assert said_of_files(ran)["orders/workflows/ship_order.py"] == "delete"
    assert "Kept" not in ran.out
    assert whole(service) == before


@pytest.mark.parametrize("what", ADDS)
def test_every_file_that_was_made_is_kept_if_it_was_changed(what: str) -> None:
    before = grown(fresh(bare=True), *needed(what))
    made = {str(item.path) for item in planned(before, add(what)).changes if isinstance(item, Create)}
    project = grown(before, add(what))
    mine = {path: project.files[PurePosixPath(path)] + b"# mine\n" for path in made}
    project = rewritten(project, mine)
    removed = grown(project, f"remove {what}")
    for path in made:
        assert b"# mine" in removed.files[PurePosixPath(path)], path
    assert set(differing(removed.files, before.files)) <= made | {MANIFEST_NAME}
    deleted = grown(project, f"remove {what} --yes")
    # A contracts file and a Procfile are shared: only what was added goes, whatever is said.
    shared = {path for path in made if what.startswith("rpc") and ("contracts" in path or path == "Procfile.dev")}
    assert set(differing(deleted.files, before.files)) <= shared | {MANIFEST_NAME}


# What is still used

TABLE = "orders/workflows/mine.py"
HAND_WRITTEN = """\
from resonate.context import Context

from .. import ids
from ..contracts.workflows import {name}


async def mine(ctx: Context) -> None:
    {use}
"""


@pytest.mark.parametrize(
    ("adds", "line", "places"),
    [
        (
            ["workflow ship-order", "route POST /shipments"],
            "remove workflow ship-order",
            ["orders/api/routes/shipments.py:", "tests/test_route_shipments.py:"],
        ),
        (["workflow clean-up", "schedule nightly"], "remove workflow clean-up", ["orders/workflows/schedules.py:"]),
        (
            ["workflow clean-up", "add workflow sweep --calls clean-up"],
            "remove workflow clean-up",
            ["orders/workflows/sweep.py:"],
        ),
        (
            ["workflow ship-order", "webhook delivered"],
            "remove workflow ship-order",
            ["orders/api/routes/webhook_delivered.py:"],
        ),
        (
            ["db-function take-stock", "add workflow sweep --calls db.take_stock"],
            "remove db-function take-stock",
            ["orders/workflows/sweep.py:"],
        ),
        (
            ["db-function read-shelf", "route GET /shelves/{sku}"],
            "remove db-function read-shelf",
            ["orders/api/routes/get_shelves_sku.py:"],
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
            ["orders/api/routes/parcels.py:"],
        ),
        (["group billing", "rpc billing.dun"], "remove group billing", ["billing.dun (orders/contracts/billing.py:"]),
        (
            ["rpc payments.charge", "add workflow sweep --takes charge:Charge"],
            "remove rpc payments.charge",
            ["orders/contracts/workflows.py:"],
        ),
        (
            ["workflow clean-up", "add rpc payments.charge --takes what:CleanUpResult"],
            "remove workflow clean-up",
            ["orders/contracts/payments.py:"],
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
        kind, *words = shlex.split(what.removeprefix("add "))
        project = grown(project, f"remove {kind} {' '.join(words[: 2 if kind == 'route' else 1])}")
    grown(project, line)


@pytest.mark.parametrize(
    ("adds", "name", "use", "line"),
    [
        ("webhook consent", "consent", "await consent.wait(ctx, ids.public_of(ctx.info.id))", "remove webhook consent"),
        ("workflow clean-up", "clean_up, CleanUp", "await clean_up(ctx, CleanUp())", "remove workflow clean-up"),
    ],
)
def test_refuses_while_hand_written_code_uses_it(adds: str, name: str, use: str, line: str) -> None:
    project = grown(fresh(bare=True), add(adds))
    project = rewritten(project, {TABLE: HAND_WRITTEN.format(name=name, use=use).encode()})
    with pytest.raises(StillUsed, match=r"orders/workflows/mine\.py:8"):
        planned(project, line)


def test_names_no_more_places_than_fit_on_a_line(tool: Tool, service: Path) -> None:  # noqa: F811
    run(tool, add("workflow clean-up"))
    for number in range(20):
        text = HAND_WRITTEN.format(name="clean_up", use="await clean_up(ctx, None)")
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
        path = PurePosixPath("orders/contracts/payments.py")
        project = rewritten(project, {str(path): project.files[path].replace(b"\n\n\n", b"\n\n\n\n")})
    project = grown(project, f"remove rpc payments.{names[0]}")
    assert b"fake-payments:" in project.files[PurePosixPath("Procfile.dev")]
    assert f"payments.{names[1]}".encode() in project.files[PurePosixPath("orders/contracts/payments.py")]
    project = grown(project, f"remove rpc payments.{names[1]}")
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


@pytest.mark.parametrize("mine", [b"\n# mine\n", b"\n\nclass Mine(BaseModel):\n    pass\n"])
def test_contracts_that_somebody_has_written_stay(mine: bytes) -> None:
    path = PurePosixPath("orders/contracts/payments.py")
    project = grown(fresh(bare=True), add("rpc payments.charge"))
    project = rewritten(project, {str(path): project.files[path] + mine})
    project = grown(project, "remove rpc payments.charge")
    left = project.files[path]
    assert mine.strip() in left
    assert b"Charge" not in left
    assert (b"BaseModel" in left) == (b"BaseModel" in mine)


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
    project = rewritten(
        project, {str(path): text.replace("SERVED: list[Served] = [", "SERVED: list[Served] = [] + [").encode()}
    )
    with pytest.raises(ScaffoldError) as refused:
        planned(project, "remove workflow clean-up")
    assert str(path) in refused.value.message + refused.value.hint


def test_the_record_goes_with_it() -> None:
    project = grown(fresh(bare=True), add("workflow clean-up"))
    assert project.manifest.find("workflow", "clean-up")
    removed = grown(project, "remove workflow clean-up")
    assert removed.manifest.adds == ()
    assert removed.files[MANIFEST] == fresh(bare=True).files[MANIFEST]
