"""Branches that each add something, merged by git; and what `list --repair` makes again where a merge took one side."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest

from resonate_scaffold.errors import ManifestError
from resonate_scaffold.plan import Edit, unified_diff
from resonate_scaffold.project import ADDS, FilesInMemory, Project
from tests.grown import NAME, fresh, grown, is_read, planned, removing, rewritten, runtime, without
from tests.test_grow import ADDS as ONE_OF_EACH, NEEDS
from tests.test_sequences import REFUSALS, listed, some_add

PAIRS = range(20)
STOCK = ("add workflow tidy-up", "add db-function read-shelf --takes sku:str --read-only", "add group printing")


def git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *who, *arguments], cwd=root, capture_output=True, text=True, check=False)


def committed(root: Path, project: Project, before: Project | None = None) -> None:
    """Write a service, or what has changed in it, and commit it."""
    for path, content in project.files.items():
        if before is None or before.files.get(path) != content:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
    assert git(root, "add", "-A").returncode == 0
    assert git(root, "commit", "-qm", "x").returncode == 0


def read(root: Path, base: Project) -> Project:
    """The service that a work tree has."""
    found = {PurePosixPath(path.relative_to(root).as_posix()): path for path in root.rglob("*") if path.is_file()}
    files = {path: file.read_bytes() for path, file in found.items() if is_read(path) or ADDS in path.parents}
    return Project(NAME, base.manifest, FilesInMemory({**runtime(), **files}))


def two_adds(seed: int, base: Project) -> tuple[str, str]:
    """Two commands, each of which may come first."""
    dice = random.Random(seed)
    while True:
        one, other = some_add(dice, base), some_add(dice, base)
        try:
            if not planned(base, one).changes or not planned(base, other).changes:
                continue
            if not planned(grown(base, one), other).changes or not planned(grown(base, other), one).changes:
                continue
        except REFUSALS:
            continue
        return one, other


def edited_by(project: Project, command: str) -> set[str]:
    return {str(change.path) for change in planned(project, command).changes if isinstance(change, Edit)}


@pytest.mark.parametrize("seed", PAIRS)
def test_two_branches_that_each_add_something(seed: int, tmp_path: Path) -> None:
    base = grown(fresh(bare=seed % 2 == 0), *STOCK)
    commands = two_adds(seed, base)
    git(tmp_path, "init", "-q", "-b", "main")
    committed(tmp_path, base)
    for branch, command in zip(("one", "other"), commands, strict=True):
        git(tmp_path, "checkout", "-q", "-b", branch, "main")
        committed(tmp_path, grown(base, command), base)
    git(tmp_path, "checkout", "-q", "one")
    shared = edited_by(base, commands[0]) & edited_by(base, commands[1])
    if git(tmp_path, "merge", "-q", "--no-edit", "other").returncode:
        conflicts = set(git(tmp_path, "diff", "--name-only", "--diff-filter=U").stdout.split())
        assert conflicts and conflicts <= shared, commands
        git(tmp_path, "merge", "--abort")
        assert git(tmp_path, "merge", "-q", "--no-edit", "-X", "ours", "other").returncode == 0
    project = grown(read(tmp_path, base), "list --repair")
    check_whole(project, base, commands)


def check_whole(project: Project, base: Project, commands: tuple[str, ...]) -> None:
    """Everything is there, is known as added, and can be taken back, whichever first."""
    assert planned(project, "list --repair").changes == ()
    assert listed(project) == listed(grown(base, *commands)), commands
    for command in commands:
        assert planned(project, command).changes == (), command
    for first, second in (commands, commands[::-1]):
        back = grown(project, removing(first), removing(second))
        assert listed(back) == listed(base)
        assert [path for path in back.files if path not in base.files] == []
    more = grown(project, "add workflow one-more --calls tidy-up", "remove workflow one-more")
    assert listed(more) == listed(project)


def test_both_branches_add_the_same(tmp_path: Path) -> None:
    """Under another number: one of the records is enough, and `remove` takes both."""
    base = grown(fresh(bare=True), *STOCK)
    one = grown(base, "add workflow ship --takes sku:str")
    other = grown(base, "add webhook consent", "add workflow ship --takes sku:str")
    records = {str(path): content for path, content in other.files.items() if ADDS in path.parents}
    both = rewritten(one, {**records, **{str(path): it for path, it in other.files.items() if path not in base.files}})
    assert len([record for record in both.adds() if record.name == "ship"]) == 2
    assert [it.name for it in grown(both, "remove workflow ship").adds() if it.kind == "workflow"] == ["tidy-up"]
    repaired = grown(both, "list --repair")
    assert [it.number for it in repaired.adds() if it.name == "ship"] == [4]


# What is made again

ADDED: Mapping[str, str] = {
    "workflow ship": "--takes sku:str --takes 'at:datetime?' --returns left:int --calls db.read_shelf",
    "db-function take": "--takes sku:str --returns left:int",
    "rpc payments.charge": "--takes amount:Decimal --returns paid:bool",
    "group billing": "",
    "rpc billing.dun": "--takes number:int",
    "idempotency-key parcel": "--from caller --from sku:str --from number:int",
    "route POST /parcels": "--workflow ship --idempotency required",
    "route POST /quick": "--workflow ship --wait 7",
    "route GET /shelves/{sku}": "--rpc db.read_shelf --wait 5",
    "webhook consent": "--takes given:bool --workflow ship",
    "webhook ordered": "--starts ship --scheme github",
    "schedule nightly": "--workflow tidy-up --cron '0 2 * * *'",
}


def all_added() -> Project:
    return grown(fresh(bare=True), *STOCK, *(f"add {what} {options}" for what, options in ADDED.items()))


def test_records_are_made_again_from_the_code() -> None:
    whole = all_added()
    lost = without(whole, *(str(record.path) for record in whole.adds()))
    assert lost.adds() == []
    repaired = grown(lost, "list --repair")
    assert {(it.kind, it.name): it.options for it in repaired.adds()} == {
        (it.kind, it.name): it.options for it in whole.adds()
    }
    for what in reversed([*ADDED]):
        repaired = grown(repaired, removing(f"add {what}"))
    assert listed(repaired) == listed(grown(fresh(bare=True), *STOCK))


PATIENT = (
    "add entity patient --field name:str:1..80 --field 'plan:Literal[gold,basic]?' --field 'balance:Decimal?' "
    "--field code:str:1..9 --unique name --unique name,code --ref clinic --ref 'referrer:clinic?'"
)
CLINIC = "add entity clinic --field name:str:1..80 --routes read"
SHIP = "add workflow ship --takes sku:str"
# What one needs, and one whose record is lost, with the options that nothing but the code still says.
LOST: Mapping[str, tuple[str, ...]] = {
    **{kind: tuple(it for it in (NEEDS.get(kind), line) if it) for kind, line in ONE_OF_EACH.items()},
    "entity of many": (CLINIC, PATIENT),
    "entity without routes": (f"{CLINIC.replace('read', 'none')} --plural surgeries",),
    "field that refers": (CLINIC, PATIENT, "add field patient --ref 'doctor:clinic?'"),
    "field that is unique": (CLINIC, PATIENT, "add field patient 'phone:str?:1..30' --unique"),
    "query of a list": (CLINIC, PATIENT, "add query names --table patient --list --order name --returns name"),
    "query of a row": (CLINIC, "add query clinic-by-id --table clinic --takes clinic_id"),
    "query of what may be left out": (CLINIC, PATIENT, "add query coded --table patient --list --takes code?"),
    "workflow with a map": (
        "add db-function price-of --takes sku:str --returns amount:int",
        "add workflow sell --takes sku:str --takes old:int --returns paid:int --calls db.price_of "
        "--map result.paid=price_of.amount",
    ),
    "route with a name": (SHIP, "add route POST /parcels --workflow ship --name sending --poll '/sendings/{id}'"),
    "route of a query, with a name": (
        "add query shelf --takes sku:str --returns left:int",
        "add route GET /shelves/{sku} --query shelf --name shelves",
    ),
    "route that a webhook knows": (SHIP, "add webhook paid --workflow ship", "add route POST /parcels --workflow ship"),
    "webhook that knows a route": (SHIP, "add route POST /parcels --workflow ship", "add webhook paid --workflow ship"),
    "webhook that another knows": (SHIP, "add webhook paid --workflow ship", "add webhook ordered --starts ship"),
    "webhook of senders of 0.1.0": (
        SHIP,
        "add route POST /parcels --workflow ship",
        "add webhook paid --takes ok:bool --scheme former",
    ),
    "schedule that a webhook knows": (
        "add workflow ship",
        "add webhook paid --workflow ship",
        "add schedule nightly --workflow ship --cron '0 2 * * *'",
    ),
}


@pytest.mark.parametrize("case", LOST)
def test_a_record_that_is_lost_is_made_again(case: str) -> None:
    *needs, line = LOST[case]
    before = grown(fresh(bare=True), *needs)
    whole = grown(before, line)
    record = whole.adds()[-1]
    repaired = grown(without(whole, str(record.path)), "list --repair")
    found = repaired.find_add(record.kind, record.name)
    assert found is not None and found.options == record.options
    assert planned(repaired, "list --repair").changes == ()
    assert dict(grown(repaired, f"remove {record.kind} {record.name}").files) == dict(before.files)


def test_lists_are_made_again_from_the_code() -> None:
    """Of each file that several `add`s edit, the one that there was before any."""
    whole, before = all_added(), fresh(bare=True)
    edited = {path for record in whole.adds() for path in record.edits}
    lost = rewritten(
        whole, {path: before.files[PurePosixPath(path)] for path in edited if PurePosixPath(path) in before.files}
    )
    assert listed(lost) != listed(whole)
    repaired = grown(lost, "list --repair")
    assert listed(repaired) == listed(whole)
    for path in ("Procfile", "compose.yaml"):
        assert sorted(repaired.files[PurePosixPath(path)].splitlines()) == sorted(
            whole.files[PurePosixPath(path)].splitlines()
        )


def test_a_record_with_conflicts_is_made_again() -> None:
    whole = all_added()
    record = whole.find_add("workflow", "ship")
    assert record is not None
    text = whole.files[record.path]
    broken = rewritten(whole, {str(record.path): b"<<<<<<< ours\n" + text + b"=======\n" + text + b">>>>>>> theirs\n"})
    with pytest.raises(ManifestError) as refused:
        planned(broken, "remove workflow ship")
    assert "list --repair" in refused.value.hint
    found = grown(broken, "list --repair").find_add("workflow", "ship")
    assert found is not None and json.loads(found.to_bytes()) == json.loads(record.to_bytes())


def test_what_somebody_wrote_counts_as_changed_in_a_record_that_is_made_again() -> None:
    whole = all_added()
    path = "orders/db/take.py"
    mine = rewritten(whole, {path: whole.files[PurePosixPath(path)] + b"\n\nMINE = 1\n"})
    record = mine.find_add("db-function", "take")
    assert record is not None
    repaired = grown(without(mine, str(record.path)), "list --repair")
    found = repaired.find_add("db-function", "take")
    assert found is not None and found.files == record.files


def test_a_field_that_is_lost_is_made_again() -> None:
    whole = grown(fresh(bare=True), CLINIC, "add field clinic 'phone:str?'")
    path = PurePosixPath("orders/db/models.py")
    lines = whole.files[path].splitlines(keepends=True)
    lost = rewritten(whole, {str(path): b"".join(line for line in lines if b"phone" not in line)})
    assert planned(whole, "list --repair").changes == ()
    assert grown(lost, "list --repair").files[path] == whole.files[path]


def test_options_that_the_code_does_not_say_are_named() -> None:
    whole = grown(fresh(bare=True), SHIP, "add webhook paid --scheme github")
    path = "orders/api/webhook_paid.py"
    mine = rewritten(whole, {path: whole.files[PurePosixPath(path)] + b"\n\nMINE = 1\n"})
    (lost,) = mine.adds("webhook")
    notes = planned(without(mine, str(lost.path)), "list --repair").notes
    assert notes[0] == "webhook paid is recorded again"
    assert notes[1].endswith("the code does not say which scheme, workflow was given; check it there")


def test_nothing_is_made_again_where_nothing_is_missing() -> None:
    assert planned(all_added(), "list --repair").changes == ()
    assert planned(fresh(bare=False), "list --repair").changes == ()


def test_records_are_small_and_hold_no_offsets() -> None:
    for record in all_added().adds():
        content = record.to_bytes()
        assert len(content) < 1500
        assert set(json.loads(content)) == {"kind", "name", "options", "files", "edits"}
        assert all(set(edited) == {"lists", "defines"} for edited in json.loads(content)["edits"].values())


def test_a_dry_run_shows_the_code_first() -> None:
    lines = [line for line in unified_diff(planned(fresh(bare=True), "add workflow ship")) if line.startswith("+++")]
    assert "contracts/workflows/ship.py" in lines[0] and ".resonate-scaffold" in lines[-1]
    assert not any(".resonate-scaffold" in line for line in lines[:-1])
