"""`upgrade`: what a version made is rebuilt exactly, and what somebody wrote since is in the new tree or named."""

from __future__ import annotations

import ast
import functools
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from resonate_scaffold import __version__
from resonate_scaffold.project import MANIFEST, FilesInMemory, Manifest, Project
from resonate_scaffold.upgrade import releases
from resonate_scaffold.upgrade.align import Renamed, Split, align
from resonate_scaffold.upgrade.codemods import TO_0_2_0, modernize
from resonate_scaffold.upgrade.merge import merge
from resonate_scaffold.upgrade.plan import Upgrade, plan_upgrade
from resonate_scaffold.upgrade.releases import replay_with
from resonate_scaffold.upgrade.replay import Record, Replayed, replay
from resonate_scaffold.upgrade.repository import Tree
from resonate_scaffold.upgrade.steps import fit, records_for
from tests.conftest import Tool, git, tree

PAST = Path(__file__).with_name("past") / "0.1.0"
OLD = "0.1.0"
SERVICES = ["shop", "shop-bare", "shop-grown"]
PACKAGE = {"shop": "shop", "shop-bare": "shop_bare", "shop-grown": "shop"}


@functools.cache
def made_by_old(name: str) -> Mapping[PurePosixPath, bytes]:
    """The files of a service as version 0.1.0 made them."""
    with tarfile.open(PAST / f"{name}.tar.gz") as archive:
        found = {member.name: archive.extractfile(member) for member in archive if member.isfile()}
        return {PurePosixPath(*Path(path).parts[1:]): file.read() for path, file in found.items() if file}


def project(name: str) -> Project:
    files = made_by_old(name)
    return Project(PACKAGE[name], Manifest.from_bytes(files[MANIFEST]), FilesInMemory(files))


def records(name: str) -> list[Record]:
    return [Record(added.kind, added.name, added.options) for added in project(name).recorded()]


@functools.cache
def rebuilt(name: str) -> Replayed:
    return replay_with(OLD, project(name).manifest.answers, records(name))


@functools.cache
def made_anew(name: str) -> Replayed:
    """The service as this version makes it for one that 0.1.0 made, before it is made to fit."""
    return made_for(project(name), rebuilt(name), records(name))


def made_for(it: Project, old: Replayed, asked: Sequence[Record]) -> Replayed:
    return replay(it.manifest.answers, records_for(OLD, __version__, "shop", old.files, asked))


def fitting(it: Project, old: Replayed, new: Replayed) -> dict[PurePosixPath, bytes]:
    """The files that the upgrade of an unedited service gives."""
    return fit(OLD, __version__, it.package, it.name, old.files, new.files)[0]


def planned(name: str, files: Mapping[PurePosixPath, bytes]) -> Upgrade:
    """The upgrade of a service of 0.1.0 that has these files now."""
    return planned_between(project(name), rebuilt(name), made_anew(name), files)


def planned_between(it: Project, old: Replayed, new: Replayed, files: Mapping[PurePosixPath, bytes]) -> Upgrade:
    """The same, of a service that is known as both versions make it: each is made once, and not for each example."""
    with pytest.MonkeyPatch.context() as patch:
        known = {OLD: old, __version__: new}
        patch.setattr("resonate_scaffold.upgrade.plan.replay_with", lambda version, *_: known[version])
        return plan_upgrade(it.manifest, it.recorded(), it.package, Tree(files), __version__)


def after(files: Mapping[PurePosixPath, bytes], upgrade: Upgrade) -> dict[PurePosixPath, bytes]:
    """The files as an upgrade leaves them."""
    left = dict(files)
    for change in upgrade.plan.changes:
        match change.action:
            case "delete":
                del left[change.path]
            case "create":
                left[change.path] = change.content  # type: ignore[union-attr]
            case "edit":
                left[change.path] = change.after  # type: ignore[union-attr]
    return left


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_release_made_is_rebuilt_to_the_byte(name: str) -> None:
    assert rebuilt(name).refused == ()
    assert dict(rebuilt(name).files) == dict(made_by_old(name))


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_that_nobody_edited_is_what_this_version_makes(name: str) -> None:
    upgrade = planned(name, made_by_old(name))
    assert (upgrade.conflicts, upgrade.unlike, upgrade.refused, upgrade.edited_runtime) == ((), (), (), ())
    assert after(made_by_old(name), upgrade) == fitting(project(name), rebuilt(name), made_anew(name))
    assert Manifest.from_bytes(made_anew(name).files[MANIFEST]).version == __version__


@pytest.mark.parametrize(("kept", "replays"), [(True, 1), (False, 2)])
def test_what_is_made_anew_does_not_depend_on_what_its_owner_did(kept: bool, replays: int) -> None:
    """The records are those that fit what the old version made; where the owner's tree says the same, at once."""
    asked = []

    def replaying(version: str, _: object, records: Sequence[Record], *__: object) -> Replayed:
        if version == __version__:
            asked.append(records)
        return rebuilt("shop-grown") if version == OLD else made_anew("shop-grown")

    it, files = project("shop-grown"), made_by_old("shop-grown")
    ours = {path: content for path, content in files.items() if kept or path.parent.name != "routes"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("resonate_scaffold.upgrade.plan.replay_with", replaying)
        plan_upgrade(it.manifest, it.recorded(), it.package, Tree(ours), __version__)
    assert len(asked) == replays
    assert asked[-1] == records_for(OLD, __version__, "shop", rebuilt("shop-grown").files, records("shop-grown"))


def with_mark(content: bytes, where: int, mark: str) -> bytes:
    """A file with one line more, as deep as the line before it."""
    lines = content.decode().splitlines(keepends=True)
    at = where % (len(lines) + 1)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    indent = len(lines[at - 1]) - len(lines[at - 1].lstrip(" ")) if at else 0
    lines.insert(at, f"{' ' * indent}# {mark}\n")
    return "".join(lines).encode()


def with_other_line(content: bytes, where: int, mark: str) -> bytes:
    """A file of which one line says something else."""
    lines = content.decode().split("\n")
    lines[where % len(lines)] += f"  # {mark}"
    return "\n".join(lines).encode()


def with_moved_function(content: bytes, where: int, mark: str) -> bytes:
    """A module of which one function stands at the end; of what has none, one line is another."""
    text = content.decode()
    try:
        found = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    except SyntaxError:
        found = []
    if not found:
        return with_other_line(content, where, mark)
    node = found[where % len(found)]
    lines = text.splitlines(keepends=True)
    first = min([node.lineno, *(it.lineno for it in node.decorator_list)]) - 1
    moved = lines[first : node.end_lineno]
    rest = "".join([*lines[:first], *lines[node.end_lineno :]])
    return f"{rest}\n\n{''.join(moved)}    # {mark}\n".encode()


def is_editable(path: PurePosixPath) -> bool:
    """Whether a comment can be written into a file, which is nobody's record."""
    return not str(path).startswith(".resonate-scaffold") and path.suffix != ".json"


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_edit_is_lost(data: st.DataObject) -> None:
    """Each is in the new tree, where a conflict may name it, in a file that the report names."""
    check_edits(data, project("shop-grown"), rebuilt("shop-grown"), made_anew("shop-grown"))


def adds(data: st.DataObject) -> list[Record]:
    """Records of what somebody may have added with version 0.1.0, each with what it needs before it."""
    fields = st.lists(
        st.sampled_from(["sku:str", "count:int", "at:datetime", "price:Decimal", "note:str?", "tags:list[str]"]),
        unique=True,
        max_size=4,
    )
    found, durable = list[Record](), list[str]()
    for number in range(data.draw(st.integers(1, 8))):
        takes, returns = data.draw(fields), data.draw(fields)
        kinds = ["db-function", "rpc", "workflow", "webhook", "idempotency-key", "group"]
        kind = data.draw(st.sampled_from(kinds))
        name, options = f"thing-{number}", dict[str, Any](takes=takes, returns=returns)
        match kind:
            case "db-function":
                options["read_only"] = data.draw(st.booleans())
                durable.append(f"db.thing_{number}")
            case "rpc":
                name = f"payments.thing_{number}"
                durable.append(name)
            case "workflow":
                calls = st.lists(st.sampled_from(durable), unique=True, max_size=3) if durable else st.just([])
                options["calls"] = data.draw(calls)
            case "webhook":
                options = {"takes": takes, "workflow": None}
            case "idempotency-key":
                options = {
                    "fields": [it for it in takes if it.split(":")[1] in ("str", "int", "datetime")] or ["a:str"]
                }
            case _:
                options = {}
        found.append(Record(kind, name, options))
        if kind == "workflow" and data.draw(st.booleans()):
            options = {"target": name, "idempotency": None, "key": None, "wait": data.draw(st.sampled_from([None, 5]))}
            found.append(Record("route", f"POST /{name}", options))
        if kind == "workflow" and data.draw(st.booleans()):
            found.append(Record("schedule", f"nightly-{number}", {"workflow": name, "cron": "0 2 * * *"}))
    return found


@settings(max_examples=int(os.environ.get("UPGRADES", "3")), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), st.booleans(), st.sampled_from(["sqlite", "postgres"]))
def test_services_that_were_grown_at_random(data: st.DataObject, bare: bool, database: str) -> None:
    """`UPGRADES=30` tries thirty."""
    answers = {**project("shop").manifest.answers, "bare": bare, "database": database}
    there = grown_by_old(answers, with_removes(data, adds(data)))
    it = Project("shop", Manifest.from_bytes(there[MANIFEST]), FilesInMemory(there))
    taken = [Record(added.kind, added.name, added.options) for added in it.recorded()]
    old = replay_with(OLD, answers, taken)
    new = made_for(it, old, taken)
    assert old.refused == new.refused == ()
    unedited = planned_between(it, old, new, there)
    assert (unedited.conflicts, unedited.unlike) == ((), ())
    assert after(there, unedited) == fitting(it, old, new)
    check_edits(data, it, old, new)


def with_removes(data: st.DataObject, added: Sequence[Record]) -> list[Record]:
    """The same, and some of them taken out again: at once, or at the end, or in the middle and added again."""
    found = list(added)
    for record in data.draw(st.lists(st.sampled_from(added), unique_by=lambda it: (it.kind, it.name), max_size=3)):
        gone = Record("remove", record.name, {"kind": record.kind})
        at = data.draw(st.integers(found.index(record) + 1, len(found)))
        found[at:at] = [gone, record] if data.draw(st.booleans()) else [gone]
    return found


def grown_by_old(answers: Mapping[str, Any], asked: Sequence[Record]) -> dict[PurePosixPath, bytes]:
    """The files of a service that version 0.1.0 made, by adds and removes. What it refuses it does not do."""
    with releases._code_of(OLD, None) as code:
        done = subprocess.run(
            [sys.executable, "-P", str(PAST.parent / "grow_0_1_0.py")],
            input=json.dumps({"answers": answers, "records": [asdict(record) for record in asked]}),
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(code), str(Path(releases.__file__).parents[1] / "past")]),
            },
            capture_output=True,
            text=True,
            check=True,
        )
    return dict(Replayed.from_json(json.loads(done.stdout)).files)


def check_edits(data: st.DataObject, it: Project, old: Replayed, new: Replayed) -> None:
    """Plant edits in a service of 0.1.0, and look for them after the upgrade."""
    files = {path: it.files[path] for path in it.files}
    editable = [path for path, content in files.items() if content and is_editable(path)]
    chosen = data.draw(st.lists(st.sampled_from(editable), min_size=1, max_size=len(editable), unique=True))
    edits: dict[str, PurePosixPath] = {}
    deleted = []
    for number, path in enumerate(chosen):
        what = data.draw(st.sampled_from(["mark", "mark", "line", "function", "move", "delete"]))
        if what == "delete":
            del files[path]
            deleted.append(path)
            continue
        mark = f"edit-{number}-of-mine"
        change = {"line": with_other_line, "function": with_moved_function}.get(what, with_mark)
        files[path] = change(files[path], data.draw(st.integers(0, 10_000)), mark)
        edits[mark] = path
        if what == "move" and path.suffix == ".py" and path.name != "__init__.py":
            files[path.with_name(f"moved_{path.name}")] = files.pop(path)
    upgrade = planned_between(it, old, new, files)
    left = after(files, upgrade)
    for mark, path in edits.items():
        assert any(mark.encode() in content for content in left.values()), f"the edit of {path} is lost"
    named = {path for conflict in upgrade.conflicts for path in conflict.paths}
    for path, content in left.items():
        assert b"\n<<<<<<< yours\n" not in b"\n" + content or path in named, path
    # What the owner took out stays out, unless it would be at another place now: then that is said.
    assert not {path for path in deleted if path in left} - named


def test_an_edit_goes_where_its_code_went() -> None:
    """A definition that has a module of its own now, with the imports that it needs; and a module that moved."""
    files = dict(made_by_old("shop-grown"))
    contracts = PurePosixPath("shop/contracts/payments.py")
    files[contracts] = (
        files[contracts]
        .replace(b"    amount: Decimal\n", b"    amount: Decimal\n    reference: UUID\n    kind: Kind\n")
        .replace(b"from decimal import Decimal\n", b"from decimal import Decimal\nfrom uuid import UUID\n")
        .replace(b"\nfrom ..rpc import ", b"\nfrom ..kinds import Kind\nfrom ..rpc import ")
    )
    jobs = PurePosixPath("shop/api/routes/jobs.py")
    files[jobs] = files[jobs].replace(
        b"    account_id: AccountId\n", b"    account_id: AccountId\n    urgent: bool = False\n"
    )
    upgrade = planned("shop-grown", files)
    left = after(files, upgrade)
    charge = left[PurePosixPath("shop/contracts/payments/charge.py")]
    assert all(
        part in charge
        for part in (
            b"    reference: UUID\n    kind: Kind\n",
            b"\nfrom uuid import UUID\n",
            b"\nfrom ...kinds import Kind\n",
        )
    )
    assert b"    account_id: AccountId\n    urgent: bool = False\n" in left[PurePosixPath("shop/api/jobs.py")]
    assert upgrade.conflicts == ()
    assert not {contracts, jobs} & left.keys()


def test_what_its_owner_deleted_stays_deleted() -> None:
    """Also where the new version has changed it: that is told, and no conflict."""
    files = dict(made_by_old("shop-grown"))
    gone = PurePosixPath("shop/workflows/process_job.py")
    assert rebuilt("shop-grown").files[gone] != made_anew("shop-grown").files[gone]
    del files[gone]
    upgrade = planned("shop-grown", files)
    assert (upgrade.conflicts, dict(upgrade.sides), gone in after(files, upgrade)) == ((), {}, False)
    assert [text for text in upgrade.told if str(gone) in text and "deleted" in text]


def test_settings_in_conflict_do_not_stop_the_upgrade() -> None:
    """Ruff lays out what was rewritten by the new version's settings, where the service's have markers."""
    files = dict(made_by_old("shop-grown"))
    settings, mine = PurePosixPath("pyproject.toml"), PurePosixPath("shop/workflows/mine.py")
    files[settings] = files[settings].replace(b"[tool.ruff.lint.per-file-ignores]\n", b"[tool.mine]\n")
    files[mine] = b"from ..rpc import Failure\n"
    upgrade = planned("shop-grown", files)
    left = after(files, upgrade)
    assert [conflict.paths for conflict in upgrade.conflicts] == [(settings,)] and b"<<<<<<< yours" in left[settings]
    assert left[mine] == b"from ..runtime.errors import Failure\n"


def test_a_module_is_divided_by_its_definitions() -> None:
    """Each part with its comments; what is left over stays only if it was changed."""
    a, b = b"# Of a.\nclass A:\n    one: int\n    # end of a\n", b'class B:\n    two: int\n\n\nLIMIT = 5\n"""Said."""\n'
    old = b"import x\n\n\n" + a + b"\n\n" + b
    new = {"n/a.py": b"class A:\n    one: int\n", "n/b.py": b"class B:\n    two: int\n\n\nLIMIT = 5\n"}
    theirs = Tree({PurePosixPath(path): content for path, content in new.items()})
    base = Tree({PurePosixPath("n.py"): old})

    def aligned(ours: bytes) -> dict[str, bytes]:
        _, own = align(base, Tree({PurePosixPath("n.py"): ours}), theirs, [Split(r"(n)\.py", r"\1")])
        return {str(path): content for path, content in own.files.items()}

    assert aligned(old) == {"n/a.py": a, "n/b.py": b}
    mine = b"\n\ndef mine() -> None: ...\n"
    assert aligned(old + mine) == {"n/a.py": a, "n/b.py": b, "n.py": b"import x\ndef mine() -> None: ...\n"}
    assert aligned(b"no python (") == {"n.py": b"no python ("}


def test_a_file_is_renamed_only_where_nothing_else_is() -> None:
    base = Tree({PurePosixPath("a/x.py"): b"1\n"})
    theirs = Tree({PurePosixPath("b/x.py"): b"2\n"})
    moves = [Renamed(r"a/(.*)", r"b/\1")]
    ours = Tree({PurePosixPath("a/x.py"): b"1\n"})
    assert {*align(base, ours, theirs, moves)[1].files} == {PurePosixPath("b/x.py")}
    taken = Tree({**ours.files, PurePosixPath("b/x.py"): b"mine\n"})
    assert align(base, taken, theirs, moves)[1].files == taken.files


def test_a_merge_follows_what_the_owner_renamed() -> None:
    text = "".join(f"line {number}\n" for number in range(30)).encode()
    base = Tree({PurePosixPath("a.py"): text})
    ours = Tree({PurePosixPath("mine/b.py"): text}, frozenset({PurePosixPath("mine/b.py")}))
    merged = merge(base, ours, Tree({PurePosixPath("a.py"): text.replace(b"line 3\n", b"line three\n")}), "2.0")
    assert merged.conflicts == ()
    assert merged.tree.files == {PurePosixPath("mine/b.py"): text.replace(b"line 3\n", b"line three\n")}
    assert merged.tree.executable == {PurePosixPath("mine/b.py")}


def test_a_conflict_has_all_three_sides() -> None:
    path = PurePosixPath('odd "name"\\ ü.txt')
    merged = merge(Tree({path: b"a\n"}), Tree({path: b"b\n"}), Tree({path: b"c\n"}), "2.0")
    (conflict,) = merged.conflicts
    assert (conflict.paths, conflict.reason) == ((path,), "CONFLICT (contents)")
    sides = merged.sides[path]
    assert (sides.base, sides.ours, sides.theirs) == (b"a\n", b"b\n", b"c\n")
    assert merged.tree.files[path] == b"<<<<<<< yours\nb\n=======\nc\n>>>>>>> 2.0\n"


BY_HAND = b"""
from .. import ids
from ..ambient import new_uuid
from ..contracts import payments
from ..contracts.db import (
    ReserveStock,  # the model
    # and the call
    reserve_stock as reserve,
)
from ..rpc import Failure, Rpc, serve
from ..pickles import SafeErrors


async def settle(ctx: Context, charge: int) -> str:
    await reserve(ctx, ReserveStock(sku=ids.order("c", "s", 1), quantity=charge))
    await payments.charge(ctx, payments.Charge(customer_id="c", amount=charge))
    return ids.operation("settle", str(new_uuid(ctx)))


SERVED = [
    serve(contract, settle, retries=3),
    serve(payments.charge, settle),
    serve(contract, settle),  # as it was
    serve(
        contract,
        # the function
        settle,
    ),
]
"""
BY_HAND_NOW = b"""
from .. import ids
from ..runtime.durable.ids import operation_id
from ..runtime.durable.clock import new_uuid
from ..contracts.payments.charge import Charge
from ..contracts.payments.charge import charge as payments_charge
# the model
# and the call
from ..contracts.db.reserve_stock import ReserveStock, reserve_stock as reserve
from ..runtime.errors import Failure
from ..runtime.durable.rpc import Rpc, serve
from ..pickles import SafeErrors


async def settle(ctx: Context, charge: int) -> str:
    await reserve(ctx, ReserveStock(sku=ids.order("c", "s", 1), quantity=charge))
    await payments_charge(ctx, Charge(customer_id="c", amount=charge))
    return operation_id("settle", str(new_uuid(ctx)))


SERVED = [
    serve(contract, retries=3)(settle),
    serve(payments_charge)(settle),
    serve(contract)(settle),  # as it was
    serve(
        contract,
        # the function
        settle,
    ),
]
"""


@pytest.mark.parametrize("absolute", [False, True])
def test_code_of_the_owner_follows_what_moved(absolute: bool) -> None:
    """Names of the machinery and of contracts; what has no successor stays, and is told."""
    path = PurePosixPath("shop/workflows/settle.py")
    text, now = BY_HAND, BY_HAND_NOW
    if absolute:
        text, now = (
            it.replace(b"from .. import", b"from shop import").replace(b"from ..", b"from shop.") for it in (text, now)
        )
    new = made_anew("shop-grown").files
    modernized = modernize({**new, path: text}, new, "shop", OLD, __version__)
    assert modernized.files[path].decode() == now.decode()
    pickles = f"from {'shop.' if absolute else '..'}pickles import SafeErrors"
    assert modernized.left == (f"{path}: {pickles}", f"{path}: serve( contract, # the function settle, )")
    assert {other: it for other, it in modernized.files.items() if other != path} == dict(new)
    assert modernize({path: text}, new, "shop", __version__, __version__).files == {path: text}


def test_what_names_follow_to_is_there() -> None:
    new = made_anew("shop").files
    for (_, _), (module, name) in TO_0_2_0.items():
        content = new[PurePosixPath("shop", *module.split(".")).with_suffix(".py")].decode()
        assert re.search(rf"(?m)^(class|(async )?def) {name}\b|^{name}\b *[:=]", content), (module, name)


# The command

WORKER = "shop/workflows/worker.py"


@pytest.fixture
def service(tmp_path: Path, clean_git: None) -> Path:
    """`shop` of version 0.1.0 in a repository, and on one branch a conflict that nobody can merge."""
    with tarfile.open(PAST / "shop.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    root = tmp_path / "shop"
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "config", "user.name", "Ada")
    git(root, "config", "user.email", "ada@example.com")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "As it was")
    return root


def edit(root: Path, path: str, before: str, now: str) -> None:
    file = root / path
    text = file.read_text("utf-8")
    assert before in text
    file.write_text(text.replace(before, now), "utf-8")
    git(root, "commit", "--quiet", "--all", "--message", f"Edit {path}")


def conflicting(root: Path) -> None:
    edit(root, WORKER, "serve(contracts.process_job, process_job)", "serve(contracts.process_job, mine)")


def test_an_upgrade_in_the_working_tree(process: Tool, service: Path) -> None:
    edit(
        service,
        "shop/api/routes/jobs.py",
        "account_id: AccountId\n",
        "account_id: AccountId\n    urgent: bool = False\n",
    )
    before, head, index = tree(service), git(service, "rev-parse", "HEAD"), git(service, "ls-files", "--stage")
    dry = process("upgrade", "--dry-run", cwd=service)
    assert (dry.status, dry.err, tree(service)) == (0, "", before)
    assert "rename to shop/api/jobs.py" in dry.out and "Dry run: nothing was changed" in dry.out

    ran = process("upgrade", cwd=service)
    assert (ran.status, ran.err) == (0, "")
    assert "    delete  shop/rpc.py\n" in ran.out and "pydantic" in ran.out and "git add -A && git commit" in ran.out
    assert all(f"note  Version 0.2.0, {what}:\n" in ran.out for what in ("to know", "to do by hand", "new settings"))
    assert "    urgent: bool = False\n" in (service / "shop/api/jobs.py").read_text()
    assert json.loads((service / MANIFEST).read_bytes())["version"] == __version__
    # The user's history, branches and index are as they were; nothing of the tool's own is left.
    assert (git(service, "rev-parse", "HEAD"), git(service, "ls-files", "--stage")) == (head, index)
    assert git(service, "branch", "--format=%(refname:short)") == "main"
    assert not [
        name for name in map(str, service.iterdir()) if ".resonate-scaffold." in name and not name.endswith(".json")
    ]

    git(service, "add", "--all")
    git(service, "commit", "--quiet", "--message", "Upgrade")
    done = tree(service)
    again = process("upgrade", cwd=service)
    assert (again.status, tree(service)) == (0, done)
    assert f"of version {__version__} already: nothing to do" in again.out
    for arguments in (("--continue",), ("--abort",)):
        refused = process("upgrade", *arguments, cwd=service)
        assert (refused.status, "No upgrade is under way here" in refused.err) == (2, True)


def test_an_upgrade_on_a_branch(process: Tool, service: Path) -> None:
    before, index = tree(service), git(service, "ls-files", "--stage")
    (service / ".git/hooks/post-commit").write_text("#!/bin/sh\ntouch hooked\n")
    (service / ".git/hooks/post-commit").chmod(0o755)
    ran = process("upgrade", "--branch", "next", "--json", cwd=service)
    assert (ran.status, ran.err, tree(service), git(service, "ls-files", "--stage")) == (0, "", before, index)
    assert ran.json["conflicts"] == [] and {"path": "shop/rpc.py", "action": "delete"} in ran.json["changes"]
    assert git(service, "rev-list", "--count", "main..next") == "1"
    git(service, "switch", "--quiet", "next")
    on_branch = tree(service)
    git(service, "switch", "--quiet", "main")
    assert process("upgrade", cwd=service).status == 0
    assert tree(service) == on_branch
    taken = process("upgrade", "--branch", "next", cwd=service)
    assert taken.status == 1


def test_what_cannot_be_merged(process: Tool, service: Path) -> None:
    conflicting(service)
    before = tree(service)
    refused = process("upgrade", "--branch", "next", cwd=service)
    assert refused.status == 1 and "1 place cannot be merged" in refused.err

    ran = process("upgrade", cwd=service)
    assert ran.status == 0 and f"Merge conflict in {WORKER}" in ran.out and "upgrade --continue" in ran.out
    assert "<<<<<<< yours\n" in (service / WORKER).read_text()
    assert git(service, "diff", "--name-only", "--diff-filter=U") == WORKER
    again = process("upgrade", cwd=service)
    assert (again.status, "is under way" in again.err) == (1, True)
    early = process("upgrade", "--continue", cwd=service)
    assert (early.status, f"{WORKER}: still in conflict" in early.err) == (1, True)

    back = process("upgrade", "--abort", cwd=service)
    assert (back.status, tree(service)) == (0, before)
    assert git(service, "status", "--porcelain") == ""

    assert process("upgrade", cwd=service).status == 0
    text = (service / WORKER).read_text()
    git(service, "add", WORKER)  # With its markers: somebody was too quick.
    assert process("upgrade", "--continue", cwd=service).status == 1
    (service / WORKER).write_text(text.partition("<<<<<<<")[0])
    git(service, "add", "--all")
    done = process("upgrade", "--continue", cwd=service)
    assert (done.status, done.err) == (0, "")
    assert process("upgrade", "--abort", cwd=service).status == 2


@pytest.mark.parametrize(
    "state", ["changed", "untracked", "no repository", "no commit", "newer", "to newer", "renamed"]
)
def test_what_is_refused_has_changed_nothing(process: Tool, service: Path, state: str) -> None:
    arguments: tuple[str, ...] = ()
    match state:
        case "changed":
            (service / "Procfile").write_text("api: mine\n")
            said = "not committed: Procfile"
        case "untracked":
            (service / "notes.txt").write_text("mine\n")
            said = "not committed: notes.txt"
        case "no repository":
            (service / ".git").rename(service.parent / "elsewhere")
            said = "in no git repository"
        case "no commit":
            (service / ".git").rename(service.parent / "elsewhere")
            git(service, "init", "--quiet")
            said = "in no git repository with a commit"
        case "newer":
            edit(service, str(MANIFEST), '"version": "0.1.0"', '"version": "99.0.0"')
            said = "newer than"
        case "to newer":
            arguments = ("--to", "99.0.0")
            said = "pip install resonate-scaffold==99.0.0"
        case _:
            git(service, "mv", "shop", "store")
            git(service, "commit", "--quiet", "--message", "Rename")
            said = "The package shop is called store now"
    before = tree(service)
    ran = process("upgrade", *arguments, cwd=service)
    assert ran.status in (1, 2) and ran.out == ""
    assert said in ran.err and "Traceback" not in ran.err
    assert tree(service) == before


def test_what_tells_that_a_service_is_behind(process: Tool, service: Path) -> None:
    said = f"shop is of version 0.1.0, and this is {__version__}: resonate-scaffold upgrade"
    checked = process("check", cwd=service)
    assert (checked.status, f"note  {said}" in checked.out) == (0, True)
    assert process("check", "--format", "json", cwd=service).json["notes"] == [said]
    listed = process("list", "--versions", "--json", cwd=service).json["inventory"]["versions"]
    assert listed == {"service": "0.1.0", "tool": __version__, "upgrades": ["0.1.0"]}
    assert "shop was made or upgraded by 0.1.0" in process("list", "--versions", cwd=service).out
    assert process("upgrade", cwd=service).status == 0
    assert process("check", "--format", "json", cwd=service).json["notes"] == []


def test_a_release_that_is_not_carried(process: Tool, service: Path, tmp_path: Path) -> None:
    edit(service, str(MANIFEST), '"version": "0.1.0"', '"version": "0.0.9"')
    ran = process("upgrade", cwd=service)
    assert ran.status == 1 and "does not carry version 0.0.9" in ran.err and "--past PATH" in ran.err
    (tmp_path / "a.whl").write_bytes(b"no zip")
    for path, said in ((tmp_path, "has not the code of version 0.0.9"), (tmp_path / "a.whl", "is no wheel")):
        ran = process("upgrade", "--past", str(path), cwd=service)
        assert ran.status == 2 and said in ran.err


KILLED_AT = ["git.own_file", "disk.apply", "git.mark_conflicts"]


@pytest.mark.parametrize("at", KILLED_AT)
@pytest.mark.parametrize("late", [False, True])
def test_killed_it_is_before_or_after(process: Tool, service: Path, at: str, late: bool) -> None:
    """Killed before or after each of its deeds, it can be taken back, or goes on; `test_apply` has what is between."""
    conflicting(service)
    before = tree(service)
    program = f"""
import os, signal, sys
from resonate_scaffold import cli, disk, git
from resonate_scaffold.upgrade import run
module, name = {at!r}.split(".")
module = {{"git": git, "disk": disk}}[module]
whole = getattr(module, name)
calls = []
def killed(*arguments, **options):
    calls.append(name)
    if name == "own_file" and len(calls) == 1:  # Only asked for, at first.
        return whole(*arguments, **options)
    if {late!r}:
        whole(*arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(module, name, killed)
sys.exit(cli.run(["upgrade"]))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=service, capture_output=True, check=False)
    assert done.returncode == -9
    if at == "git.own_file" or (at, late) == ("disk.apply", False):
        assert tree(service) == before
    if git(service, "status", "--porcelain") == "" and at == "git.own_file":
        assert process("upgrade", cwd=service).status == 0
    assert process("upgrade", cwd=service).status == 1  # It is under way.
    back = process("upgrade", "--abort", cwd=service)
    assert (back.status, back.err, tree(service)) == (0, "", before)
    assert git(service, "status", "--porcelain") == ""
