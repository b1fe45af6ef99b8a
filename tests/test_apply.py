"""`discover` and `apply`: all or nothing for plans that change a service, through errors, interrupts and kills."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import itertools
import json
import os
import shutil
import signal
import stat
import sys
from collections import deque
from collections.abc import Callable, Collection
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from resonate_scaffold import disk, trust
from resonate_scaffold.disk import journals, plain, steps
from resonate_scaffold.errors import (
    Changed,
    DiskError,
    ManifestError,
    NoProject,
    PlanConflict,
    ScaffoldError,
    UsageError,
)
from resonate_scaffold.plan import Change, Create, Delete, Edit, Plan
from resonate_scaffold.project import ADDS, MANIFEST, Added, Manifest, Project
from tests.grown import fresh, made_by_new
from tests.test_disk import in_child, interrupt, kill, mode

STAGING = ".resonate-scaffold.apply"
KEPT = ".resonate-scaffold.kept"


def manifest(**answers: str) -> bytes:
    return Manifest("1.0", {}, {"project_name": "orders", "package_name": "orders", **answers}, {}).to_bytes()


SERVICE = {
    str(MANIFEST): manifest(),
    "Procfile": b"api: python -m orders api\n",
    "README.md": b"# Orders\n",
    "orders/__init__.py": b"",
    "orders/runtime/durable/rpc.py": b"x = 1\n",
    "orders/contracts/__init__.py": b"",
    "orders/api/app.py": b"ROUTERS = [\r\n    a,\r\n]\r\n",
    "orders/run.py": b"#!/usr/bin/env python\n",
    "orders/old/gone.py": b"gone = 1\n",
    "orders/old/__pycache__/gone.cpython-313.pyc": b"\0",
    "orders/api/stale.py": b"stale = 1\n",
    "tests/test_it.py": b"def test_it() -> None: ...\n",
}
EDITED = {
    str(MANIFEST): manifest(more="yes"),
    "orders/api/app.py": b"ROUTERS = [\r\n    a,\r\n    b,\r\n]\r\n",
    "orders/run.py": b"#!/usr/bin/env python\nprint()\n",
}
CREATED = {"orders/new/deep/mod.py": b"x = 1\n", "tests/test_new.py": b"y = 1\n"}
DELETED = ["orders/old/gone.py", "orders/api/stale.py"]


def settle(root: Path) -> tuple[Path, Project]:
    """What a command that changes the service does first."""
    return disk.discover(root, settle=True)


def create(path: str, content: bytes = b"x = 1\n") -> Create:
    return Create(PurePosixPath(path), content)


def edit(path: str) -> Edit:
    return Edit(PurePosixPath(path), SERVICE[path], EDITED[path])


def delete(path: str) -> Delete:
    return Delete(PurePosixPath(path), SERVICE[path])


# Created, edited and deleted in turns, so that a fault between any two kinds happens.
PLAN = Plan(
    (
        create("orders/new/deep/mod.py"),
        edit("orders/api/app.py"),
        delete("orders/old/gone.py"),
        Create(PurePosixPath("orders/new/tool.py"), b"#!/bin/sh\n", executable=True),
        edit("orders/run.py"),
        delete("orders/api/stale.py"),
        create("tests/test_new.py", b"y = 1\n"),
        edit(str(MANIFEST)),
    )
)


def service(root: Path) -> Path:
    for name, content in SERVICE.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (root / "orders/run.py").chmod(0o755)
    (root / "orders/api/app.py").chmod(0o640)
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return service(tmp_path / "orders-service")


Tree = dict[str, tuple[int, bytes]]


def whole(root: Path) -> Tree:
    """Everything below *root*: mode and content, of a link where it leads, of a directory nothing."""
    found: Tree = {}
    for path in root.rglob("*"):
        status = path.lstat()
        content = b""
        if stat.S_ISLNK(status.st_mode):
            content = os.fsencode(path.readlink())
        elif stat.S_ISREG(status.st_mode):
            content = path.read_bytes()
        found[path.relative_to(root).as_posix()] = status.st_mode, content
    return found


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return whole(service(tmp_path_factory.mktemp("before") / "svc"))


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    root = service(tmp_path_factory.mktemp("after") / "svc")
    disk.apply(root, PLAN)
    return whole(root)


def test_applies_everything(root: Path) -> None:
    disk.apply(root, PLAN)
    found = {name: content for name, (kind, content) in whole(root).items() if stat.S_ISREG(kind)}
    expected = {**SERVICE, **EDITED, **CREATED, "orders/new/tool.py": b"#!/bin/sh\n"}
    for name in [*DELETED, "orders/old/__pycache__/gone.cpython-313.pyc"]:
        del expected[name]
    assert found == expected
    assert not (root / "orders/old").exists()
    assert not (root / STAGING).exists()


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_edits_keep_modes_and_new_files_follow_the_umask(root: Path, umask: int) -> None:
    changes = (*PLAN.changes, Create(PurePosixPath("orders/secret.py"), b"SECRET=1\n", private=True))
    former = os.umask(umask)
    try:
        disk.apply(root, Plan(changes))
    finally:
        os.umask(former)
    assert mode(root / "orders/run.py") == 0o755
    assert mode(root / "orders/api/app.py") == 0o640
    assert mode(root / "orders/new/deep") == 0o777 & ~umask
    assert mode(root / "orders/new/tool.py") == 0o777 & ~umask
    assert mode(root / "tests/test_new.py") == 0o666 & ~umask
    assert mode(root / "orders/secret.py") == 0o600


def test_an_empty_plan_does_nothing(root: Path) -> None:
    (root / STAGING).write_text("in the way of any other plan")
    disk.apply(root, Plan(()))


def test_a_directory_with_anything_in_it_stays(root: Path) -> None:
    (root / "orders/old/__pycache__/notes.txt").touch()
    disk.apply(root, Plan((delete("orders/old/gone.py"), delete("tests/test_it.py"))))
    assert (root / "orders/old/__pycache__/gone.cpython-313.pyc").exists()
    assert not (root / "tests").exists()


def test_works_without_hard_links(root: Path, monkeypatch: pytest.MonkeyPatch, after: Tree) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    disk.apply(root, PLAN)
    assert whole(root) == after


# What a plan meets when it is applied. Each makes it impossible and is told apart from the others.


def a_link_on_the_way(root: Path) -> None:
    (root / "orders/api").rename(root.parent / "outside")
    (root / "orders/api").symlink_to(root.parent / "outside")


def a_link_on_the_way_to_a_new_file(root: Path) -> None:
    (root.parent / "outside").mkdir()
    (root / "orders/new").symlink_to(root.parent / "outside")


def a_link_inside(root: Path) -> None:
    (root / "orders/api").rename(root / "orders/real")
    (root / "orders/api").symlink_to("real")


def a_link_to_edit(root: Path) -> None:
    (root / "orders/run.py").rename(root / "orders/real.py")
    (root / "orders/run.py").symlink_to("real.py")


def a_link_to_delete(root: Path) -> None:
    (root / "orders/api/stale.py").rename(root / "orders/real.py")
    (root / "orders/api/stale.py").symlink_to("../real.py")


def a_dangling_link_where_a_file_goes(root: Path) -> None:
    (root / "tests/test_new.py").symlink_to(root.parent / "outside.py")


def a_directory_to_edit(root: Path) -> None:
    (root / "orders/run.py").unlink()
    (root / "orders/run.py").mkdir()


def a_directory_where_a_file_goes(root: Path) -> None:
    (root / "tests/test_new.py").mkdir()


def a_file_where_a_directory_goes(root: Path) -> None:
    (root / "orders/new").touch()


def a_pipe_to_edit(root: Path) -> None:
    (root / "orders/run.py").unlink()
    os.mkfifo(root / "orders/run.py")


def a_change(root: Path) -> None:
    (root / "orders/run.py").write_bytes(b"mine\n")


def a_change_to_what_is_deleted(root: Path) -> None:
    (root / "orders/old/gone.py").write_bytes(b"mine\n")


def a_file_gone(root: Path) -> None:
    (root / "orders/run.py").unlink()


def a_directory_gone(root: Path) -> None:
    shutil.rmtree(root / "orders/old")


def a_file_where_one_goes(root: Path) -> None:
    (root / "tests/test_new.py").write_bytes(b"y = 1\n")


def a_link_for_staging(root: Path) -> None:
    (root.parent / "outside").mkdir()
    (root / STAGING).symlink_to(root.parent / "outside")


def a_file_for_staging(root: Path) -> None:
    (root / STAGING).touch()


LINK = "is a symbolic link"


@pytest.mark.parametrize(
    ("obstacle", "error", "message"),
    [
        (a_link_on_the_way, DiskError, f"orders/api {LINK}"),
        (a_link_on_the_way_to_a_new_file, DiskError, f"orders/new {LINK}"),
        (a_link_inside, DiskError, f"orders/api {LINK}"),
        (a_link_to_edit, DiskError, f"orders/run.py {LINK}"),
        (a_link_to_delete, DiskError, f"orders/api/stale.py {LINK}"),
        (a_dangling_link_where_a_file_goes, DiskError, f"tests/test_new.py {LINK}"),
        (a_directory_to_edit, DiskError, "orders/run.py is a directory"),
        (a_directory_where_a_file_goes, DiskError, "tests/test_new.py is a directory"),
        (a_file_where_a_directory_goes, DiskError, "orders/new is a file"),
        (a_pipe_to_edit, DiskError, "orders/run.py is a special file"),
        (a_link_for_staging, DiskError, "is not a directory"),
        (a_file_for_staging, DiskError, "is not a directory"),
        (a_change, Changed, "orders/run.py changed"),
        (a_change_to_what_is_deleted, Changed, "orders/old/gone.py changed"),
        (a_file_gone, Changed, "orders/run.py is gone"),
        (a_directory_gone, Changed, "orders/old/gone.py is gone"),
        (a_file_where_one_goes, Changed, "tests/test_new.py is there already"),
    ],
)
def test_refuses_what_the_plan_was_not_made_for(
    root: Path, obstacle: Callable[[Path], None], error: type[ScaffoldError], message: str
) -> None:
    obstacle(root)
    before = whole(root.parent)
    with pytest.raises(error, match=message):
        disk.apply(root, PLAN)
    assert whole(root.parent) == before


@pytest.mark.parametrize("path", ["orders/run.py", "orders/old/gone.py", "orders/api", "tests"])
def test_refuses_what_is_read_only(root: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / path).chmod(0o555)

    def access(path: Path, wanted: int) -> bool:
        # As the system answers anyone but root, who may run these tests.
        return not wanted & os.W_OK or bool(path.stat().st_mode & stat.S_IWUSR)

    monkeypatch.setattr(os, "access", access)
    before = whole(root)
    with pytest.raises(DiskError, match=f"{path} is read-only") as raised:
        disk.apply(root, PLAN)
    assert f"chmod u+w {root / path}" in raised.value.hint
    assert whole(root) == before


def test_the_staging_directory_is_in_no_plan(root: Path) -> None:
    with pytest.raises(PlanConflict):
        disk.apply(root, Plan((create(f"{STAGING}/journal.json"),)))


def test_a_change_while_it_runs_is_left_alone_and_the_rest_taken_back(
    root: Path, before: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = steps.put

    def somebody_else(root: Path, path: PurePosixPath, staged: Path | None) -> None:
        (root / "orders/api/stale.py").write_bytes(b"mine\n")
        put(root, path, staged)

    monkeypatch.setattr(steps, "put", somebody_else)
    with pytest.raises(Changed, match=r"orders/api/stale\.py changed while the command ran"):
        disk.apply(root, PLAN)
    left = whole(root)
    assert left.pop("orders/api/stale.py")[1] == b"mine\n"
    assert left == {name: entry for name, entry in before.items() if name != "orders/api/stale.py"}


# Faults, as in test_disk.py, and at the calls that no audit hook sees.

READ = {"open", "os.scandir", "os.lstat", "os.fstat", "os.fsync", "fcntl.flock"}
WRITE = {"os.mkdir", "os.rename", "os.link", "os.rmdir", "os.remove", "os.chmod", "shutil.rmtree", "os.fsync"}
Fault = Callable[[], None]


def full() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def denied() -> None:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def faulty(action: Callable[[], object], fault: Fault, at: int, watched: Collection[str]) -> int:
    """Run *action* in a process of its own with a fault at its *at*-th watched call; how that ends."""

    def run() -> None:
        calls = itertools.count()

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_CREAT)
            if (event in watched or writes) and next(calls) == at:
                if event == "os.fsync" and fault is kill:
                    # What is not written when the process dies.
                    with contextlib.suppress(OSError):  # a directory
                        os.truncate(arguments[0], os.fstat(arguments[0]).st_size // 2)
                fault()

        def reported(name: str) -> None:
            function = getattr(os, name)

            def call(*arguments: Any) -> Any:
                hook(f"os.{name}", arguments)
                return function(*arguments)

            setattr(os, name, call)

        reported("fsync")
        reported("lstat")
        sys.addaudithook(hook)
        action()

    return os.waitstatus_to_exitcode(in_child(run, (ScaffoldError, KeyboardInterrupt)))


def without_emptied(tree: Tree) -> Tree:
    """A directory that the system would not let go of may stay."""
    return {name: entry for name, entry in tree.items() if not name.startswith("orders/old")}


@pytest.fixture
def no_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Power failures are not tested, and it is slow."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.mark.usefixtures("no_fsync")
@pytest.mark.parametrize("fault", [full, denied, interrupt])
def test_an_error_at_any_call_leaves_all_or_nothing(tmp_path: Path, fault: Fault, before: Tree, after: Tree) -> None:
    codes = []
    for at in itertools.count():
        root = service(tmp_path / str(at))
        code = faulty(lambda: disk.apply(root, PLAN), fault, at, READ | WRITE)  # noqa: B023
        codes.append(code)
        found = whole(root)
        unsettled = {name: found.pop(name) for name in list(found) if name.split("/")[0] == STAGING}
        assert code in {0, 1}
        if code == 1:
            assert found == before
            assert fault is not interrupt or unsettled.keys() <= {STAGING, f"{STAGING}/.resonate-scaffold.lock"}
        else:
            assert without_emptied(found) == without_emptied(after)
            assert fault is not interrupt or found == after
        assert settle(root)[0] == root
        found = whole(root)
        assert found == before if code else without_emptied(found) == without_emptied(after)
        if code == 0 and codes[-5:] == [0] * 5 and at > 100:
            break
    assert codes.count(1) > 60


def put_is_stopped(fault: Fault, at: int) -> None:
    """Have a fault in this process when it is about to make the change number *at*."""
    put, calls = steps.put, itertools.count()

    def stopped(root: Path, path: PurePosixPath, staged: Path | None) -> None:
        if next(calls) == at:
            fault()
        put(root, path, staged)

    steps.put = stopped


def apply(root: Path) -> None:
    disk.apply(root, PLAN)


def apply_and_take_back(root: Path) -> None:
    """Fail at the last change, so that all others have to be undone."""
    put_is_stopped(full, len(PLAN.changes) - 1)
    disk.apply(root, PLAN)


@pytest.mark.usefixtures("no_fsync")
def test_an_error_while_taking_back_is_settled_by_the_next_command(tmp_path: Path, before: Tree, after: Tree) -> None:
    half_way = 0
    for at in itertools.count():
        root = service(tmp_path / str(at))
        assert faulty(lambda: apply_and_take_back(root), full, at, WRITE) == 1  # noqa: B023
        found = whole(root)
        settled = STAGING not in found
        half_way += not settled
        settle(root)
        found = whole(root)
        for directory in ("orders/new/deep", "orders/new"):
            if found != after and not any(name.startswith(f"{directory}/") for name in found):
                found.pop(directory, None)  # as above
        assert found in (before, after)
        if settled and at > 60:
            break
    assert half_way > 10


@pytest.mark.usefixtures("no_fsync")
def test_a_kill_at_any_call_is_settled_however_often_it_is_killed_again(
    tmp_path: Path, before: Tree, after: Tree
) -> None:
    # A search through all states that kills can leave: those of both actions, and those of the recovery from each.
    seen: set[tuple[tuple[str, tuple[int, bytes]], ...]] = set()
    states: deque[Path] = deque()
    numbers = itertools.count()
    ends = []

    def copy(state: Path) -> Path:
        root = tmp_path / str(next(numbers))
        shutil.copytree(state, root, symlinks=True, copy_function=os.link)
        return root

    def ends_when_killed(root: Path, action: Callable[[Path], object], at: int) -> int:
        return faulty(lambda: action(root), kill, at, WRITE)

    def explore(state: Path, action: Callable[[Path], object], stop_at_known: bool) -> None:
        own = whole(state)
        for at in itertools.count():
            root = copy(state)
            code = ends_when_killed(root, action, at)
            found = whole(root)
            if code != -signal.SIGKILL:
                assert found in (before, after)
                return
            key = tuple(sorted(found.items()))
            if key not in seen:
                seen.add(key)
                states.append(root)
            elif stop_at_known and found != own:
                return  # from here on it goes the way that is looked at from there

    start = service(tmp_path / "start")
    explore(start, apply, stop_at_known=False)
    forward = len(states)
    assert forward > 40
    explore(start, apply_and_take_back, stop_at_known=False)
    assert len(states) > forward + 10
    while states:
        state = states.popleft()
        explore(state, settle, stop_at_known=True)
        root = copy(state)
        settle(root)
        ends.append(whole(root))
    assert all(end in (before, after) for end in ends)
    assert before in ends
    assert after in ends


# What somebody changes between a kill and the next command


def killed(root: Path, at: int) -> None:
    """Be killed before the change number *at*."""

    def run() -> None:
        put_is_stopped(kill, at)
        disk.apply(root, PLAN)

    assert os.waitstatus_to_exitcode(in_child(run)) == -signal.SIGKILL
    assert (root / STAGING / "journal.json").exists()


def killed_while_taking_back(root: Path, undone: int) -> None:
    """Be killed when that many changes are undone, the last ones first."""

    def run() -> None:
        put_is_stopped(kill, len(PLAN.changes) - 1 + undone)
        apply_and_take_back(root)

    assert os.waitstatus_to_exitcode(in_child(run)) == -signal.SIGKILL
    assert (root / STAGING / "rollback.json").exists()


def settles_but_for(root: Path, expected: Tree, left: Collection[str], kept: dict[str, bytes]) -> Changed:
    """See that the next command says what it leaves, does all the rest, and that the one after it works."""
    mine = {name: whole(root).get(name) for name in left}
    with pytest.raises(Changed) as raised:
        settle(root)
    assert all(name in raised.value.message for name in left)
    found = whole(root)
    assert {name: found.pop(name, None) for name in left} == mine
    found_kept = {name: content for name, (kind, content) in found.items() if name.startswith(KEPT)}
    assert {name: content for name, content in found_kept.items() if content} == kept
    assert all(name in raised.value.hint for name in kept)
    rest = {name: entry for name, entry in found.items() if not name.startswith(KEPT)}
    assert rest == {name: entry for name, entry in expected.items() if name not in left}
    settle(root)
    return raised.value


def test_a_file_changed_since_a_kill_is_left_alone(root: Path, after: Tree) -> None:
    killed(root, 3)
    (root / "orders/run.py").write_bytes(b"mine\n")
    settles_but_for(root, after, ["orders/run.py"], {f"{KEPT}/orders/run.py": EDITED["orders/run.py"]})


def test_a_file_deleted_since_a_kill_stays_deleted(root: Path, after: Tree) -> None:
    killed(root, 3)
    (root / "orders/run.py").unlink()
    settles_but_for(root, after, ["orders/run.py"], {f"{KEPT}/orders/run.py": EDITED["orders/run.py"]})


def test_a_file_made_since_a_kill_is_left_alone(root: Path, after: Tree) -> None:
    killed(root, 3)
    (root / "tests/test_new.py").write_bytes(b"mine\n")
    settles_but_for(root, after, ["tests/test_new.py"], {f"{KEPT}/tests/test_new.py": b"y = 1\n"})


def test_a_file_that_would_be_deleted_and_was_changed_stays(root: Path, after: Tree) -> None:
    killed(root, 3)
    (root / "orders/api/stale.py").write_bytes(b"mine\n")
    settles_but_for(root, after, ["orders/api/stale.py"], {})


def test_what_is_kept_does_not_replace_what_was_kept(root: Path, after: Tree) -> None:
    killed(root, 3)
    (root / "orders/run.py").write_bytes(b"mine\n")
    (root / KEPT / "orders").mkdir(parents=True)
    (root / KEPT / "orders/run.py").write_bytes(b"older\n")
    with pytest.raises(Changed, match=r"orders/run\.py"):
        settle(root)
    assert (root / KEPT / "orders/run.py").read_bytes() == b"older\n"
    assert (root / KEPT / "orders/run.py.1").read_bytes() == EDITED["orders/run.py"]


def test_a_link_put_there_since_a_kill_is_not_followed(root: Path) -> None:
    killed(root, 4)
    (root / "orders").rename(root.parent / "outside")
    (root / "orders").symlink_to(root.parent / "outside")
    outside = whole(root.parent / "outside")
    with pytest.raises(Changed, match=r"orders/run\.py, orders/api/stale\.py$"):
        settle(root)
    assert whole(root.parent / "outside") == outside
    assert not (root / STAGING).exists()


@pytest.mark.parametrize("content", [b"mine\n", SERVICE["orders/api/app.py"]])
def test_what_was_done_before_the_kill_may_be_changed(root: Path, after: Tree, content: bytes) -> None:
    killed(root, 3)
    (root / "orders/api/app.py").write_bytes(content)
    settle(root)
    assert whole(root) == {**after, "orders/api/app.py": (stat.S_IFREG | 0o640, content)}


def test_a_file_changed_since_a_kill_while_taking_back_is_left_alone(root: Path, before: Tree) -> None:
    killed_while_taking_back(root, 0)
    (root / "orders/run.py").write_bytes(b"mine\n")
    (root / str(MANIFEST)).write_bytes(manifest(mine="too"))  # it had not been reached
    expected = {**before, str(MANIFEST): whole(root)[str(MANIFEST)]}
    settles_but_for(root, expected, ["orders/run.py"], {f"{KEPT}/orders/run.py": SERVICE["orders/run.py"]})


def test_what_was_undone_before_the_kill_may_be_changed(root: Path, before: Tree) -> None:
    killed_while_taking_back(root, 3)
    assert (root / "orders/run.py").read_bytes() == SERVICE["orders/run.py"]
    (root / "orders/run.py").write_bytes(b"mine\n")
    (root / "orders/api/stale.py").unlink()
    settle(root)
    expected = {**before, "orders/run.py": (stat.S_IFREG | 0o755, b"mine\n")}
    del expected["orders/api/stale.py"]
    assert whole(root) == expected


@pytest.mark.parametrize("damage", ["", "[]", '{"changes": [{}]}', "\0"])
def test_a_damaged_journal_is_named_and_nothing_done(root: Path, damage: str) -> None:
    killed(root, 3)
    (root / STAGING / "journal.json").write_text(damage)
    before = whole(root)
    with pytest.raises(DiskError, match=r"journal.* is damaged") as raised:
        settle(root)
    assert str(root / STAGING) in raised.value.hint
    assert whole(root) == before


def with_other_path(root: Path, path: str, *, sealed: bool) -> None:
    """Have a journal change another path first, with the seal of this user or without."""
    journal = root / STAGING / "journal.json"
    content = json.loads(journal.read_text())
    content["changes"][0]["path"] = path
    if sealed:
        content["seal"] = trust.seal(journals.sealed_part(content), root)
    journal.write_text(json.dumps(content))


@pytest.mark.parametrize(
    "path",
    [
        *("../outside.py", "/tmp/outside.py", ".git/hooks/pre-commit", ".venv/lib/evil.pth", ".venv/lib/evil.py"),
        *("orders/runtime/cli.py", "conftest.py", ".github/workflows/ci.yml", "noxfile.py", ".env", "orders/evil.so"),
        "orders/runtime/durable/../../api/app.py",
    ],
)
def test_a_journal_touches_only_what_a_plan_may_have(root: Path, path: str) -> None:
    killed(root, 0)
    with_other_path(root, path, sealed=True)
    before = whole(root.parent)
    with pytest.raises(DiskError, match="is damaged"):
        settle(root)
    assert whole(root.parent) == before


# Two commands at once


def test_a_live_command_is_waited_for(root: Path, before: Tree) -> None:
    (root / STAGING).mkdir(mode=0o700)
    with (root / STAGING / ".resonate-scaffold.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for action in (settle, apply):
            with pytest.raises(Changed, match="Another resonate-scaffold command"):
                action(root)
    settle(root)
    assert whole(root) == before


def test_many_at_once_do_one_after_the_other(root: Path) -> None:
    children = []
    for number in range(6):
        child = os.fork()
        if not child:
            status = 70
            try:
                while status == 70:
                    with contextlib.suppress(Changed):
                        _, project = settle(root)
                        content = project.files[MANIFEST]
                        answers = {**project.manifest.answers, f"child_{number}": "was here"}
                        changes: tuple[Change, ...] = (
                            create(f"orders/many/child_{number}.py"),
                            Edit(MANIFEST, content, manifest(**answers)),
                        )
                        disk.apply(root, Plan(changes))
                        status = 0
            finally:
                os._exit(status)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert codes == [0] * 6
    _, project = disk.discover(root)
    assert {f"child_{number}" for number in range(6)} <= project.manifest.answers.keys()
    assert len(list((root / "orders/many").iterdir())) == 6
    assert not (root / STAGING).exists()


def test_a_file_stays_as_it_was_read_and_a_plan_made_of_it_is_refused(root: Path) -> None:
    _, project = disk.discover(root)
    worker = PurePosixPath("orders/run.py")
    assert project.files[worker] == SERVICE["orders/run.py"]
    (root / worker).write_bytes(b"mine\n")
    assert project.files[worker] == SERVICE["orders/run.py"]
    before = whole(root)
    with pytest.raises(Changed, match=r"orders/run\.py changed since it was read"):
        disk.apply(root, PLAN)
    assert whole(root) == before


def test_a_file_that_vanishes_while_it_is_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, project = disk.discover(root)
    read = plain.read_file

    def somebody_else(path: str | Path) -> bytes:
        Path(path).unlink()
        return read(path)

    monkeypatch.setattr(plain, "read_file", somebody_else)
    with pytest.raises(Changed, match=r"orders/run\.py vanished while the service was read") as raised:
        project.files[PurePosixPath("orders/run.py")]
    assert raised.value.hint == "Run the command again."
    with pytest.raises(KeyError):
        project.files[PurePosixPath("orders/run.py")]


# What is read of a service


def test_reads_what_generators_read(root: Path) -> None:
    beside = {"Procfile.dev", "compose.yaml", "pyproject.toml", ".env.example", "AGENTS.md", ".copier-answers.yml"}
    beside |= {"tests/contracts.json", "tests/histories/ship-v1.json"}
    (root / "tests/histories").mkdir()
    for name in (*beside, "tests/histories/ship.txt", "tests/other.json"):
        (root / name).write_text(name)
    (root / "orders/notes.txt").touch()
    (root / "orders/.hidden").mkdir()
    (root / "orders/.hidden/no.py").touch()
    (root / "orders/__pycache__").mkdir()
    (root / "orders/__pycache__/no.py").touch()
    (root / "orders/old/runtime").mkdir()
    (root / "orders/old/runtime/yes.py").touch()
    (root / "scripts").mkdir()
    (root / "scripts/no.py").touch()
    (root / ADDS).mkdir(parents=True)
    record = Added("workflow", "x", {}, {}, {}, 1)
    (root / record.path).write_bytes(record.to_bytes())
    (root / ".resonate-scaffold/other.json").touch()
    found, project = disk.discover(root)
    assert found == root
    assert project.package == project.name == "orders"
    assert project.adds() == [record]

    read = {name for name in SERVICE if name.endswith(".py") and "/runtime/" not in name}
    read |= {str(MANIFEST), "README.md", "Procfile", "orders/old/runtime/yes.py", str(record.path), *beside}
    assert {str(path) for path in project.files} == read
    assert len(project.files) == len(read)
    assert all(path in project.files for path in project.files)
    assert all((root / path).read_bytes() == content for path, content in project.files.items())
    for unread in ("tests/histories/ship.txt", "tests/other.json", "orders/notes.txt", "scripts/no.py", "orders"):
        assert PurePosixPath(unread) not in project.files
        assert project.exists(PurePosixPath(unread))
        with pytest.raises(KeyError):
            project.files[PurePosixPath(unread)]
    machinery = PurePosixPath("orders/runtime/durable/rpc.py")
    assert machinery in project.files and machinery not in set(project.files)
    assert not project.exists(PurePosixPath("orders/nothing.py"))


def test_what_a_directory_holds(root: Path) -> None:
    files = disk.discover(root)[1].files

    def below(directory: str) -> list[str]:
        return [str(path) for path in files.below(PurePosixPath(directory))]

    assert files.children(PurePosixPath("orders/old")) == ["__pycache__", "gone.py"]
    assert files.children(PurePosixPath("orders/run.py")) == files.children(PurePosixPath("orders/none")) == []
    assert below("orders/api") == ["orders/api/app.py", "orders/api/stale.py"]
    assert below("orders") == [
        "orders/__init__.py",
        "orders/api/app.py",
        "orders/api/stale.py",
        "orders/contracts/__init__.py",
        "orders/old/gone.py",
        "orders/run.py",
    ]
    assert below("orders/runtime") == below("orders/none") == []
    assert files.containing(PurePosixPath("orders"), b"stale") == [PurePosixPath("orders/api/stale.py")]
    assert files.containing(PurePosixPath("orders/runtime"), b"x") == []


@pytest.mark.parametrize("bare", [True, False])
def test_a_service_on_the_disk_and_one_in_memory_are_the_same(tmp_path: Path, bare: bool) -> None:
    """So what the tests of generators hold for `fresh`, the commands do to what `new` has written."""
    for path, content in made_by_new(bare=bare).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    _, project = disk.discover(tmp_path)
    memory = fresh(bare=bare)
    assert (project.package, project.manifest) == (memory.package, memory.manifest)
    assert dict(project.files) == dict(memory.files)
    package = PurePosixPath(memory.package)
    for directory in (package, package / "contracts", package / "contracts/db", package / "none", ADDS):
        assert [*project.files.below(directory)] == [*memory.files.below(directory)]
        assert project.files.containing(directory, b"account") == memory.files.containing(directory, b"account")
    names = [name for name in project.files.children(package) if not name.startswith(".")]
    assert memory.files.children(package) == names
    assert memory.exists(package / "api/app.py")
    assert memory.exists(package / "api")
    assert not memory.exists(package / "api/ap")


@pytest.mark.parametrize("start", ["orders", "orders/api", "tests", "scripts/deep", "orders/api/../.."])
def test_is_found_from_below(root: Path, start: str) -> None:
    (root / "scripts/deep").mkdir(parents=True)
    assert disk.discover(root / start)[0] == root


def test_is_found_through_a_link_and_from_a_relative_path(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = root.parent / "link"
    link.symlink_to(root)
    assert disk.discover(link / "orders")[0] == root
    monkeypatch.chdir(root / "orders")
    assert disk.discover(Path())[0] == root


def test_links_are_names_that_are_taken_and_nothing_more(root: Path) -> None:
    outside = root.parent / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "secret.py").write_text("secret = 1")
    (outside / "0001-workflow-x.json").write_bytes(Added("workflow", "x", {}, {}, {}, 1).to_bytes())
    (root / "orders/linked.py").symlink_to(outside / "secret.py")
    (root / "orders/linked").symlink_to(outside)
    (root / "orders/loop").symlink_to(root / "orders")
    (root / "orders/dangling.py").symlink_to("nowhere")
    (root / "compose.yaml").symlink_to(outside / "secret.py")
    (root / ADDS.parent).mkdir()
    (root / ADDS).symlink_to(outside)
    shutil.rmtree(root / "tests")
    (root / "tests").symlink_to(outside)
    _, project = disk.discover(root)
    links = ["orders/linked.py", "orders/linked", "orders/loop", "orders/dangling.py", "compose.yaml", "tests"]
    for link in [*map(PurePosixPath, links), ADDS]:
        assert project.exists(link)
        assert link not in project.files
        assert project.files.children(link) == []
        assert [*project.files.below(link)] == []
    for path in ("orders/linked/secret.py", "orders/loop/run.py", "tests/secret.py"):
        assert PurePosixPath(path) not in project.files
    assert not any(b"secret" in content for content in project.files.values())
    assert project.files.containing(PurePosixPath("orders"), b"secret") == []
    assert not any(path.parts[1:2] in (("linked",), ("loop",)) for path in project.files)
    assert project.adds() == []


def test_a_pipe_is_not_read(root: Path) -> None:
    os.mkfifo(root / "orders/pipe.py")
    _, project = disk.discover(root)
    assert project.exists(PurePosixPath("orders/pipe.py"))
    assert PurePosixPath("orders/pipe.py") not in project.files
    assert project.files.containing(PurePosixPath("orders"), b"") == [*project.files.below(PurePosixPath("orders"))]


def test_what_cannot_be_read_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root, who may run these tests, can read everything: so the system's answer is put in place."""
    _, project = disk.discover(root)

    def refuse(_: Path) -> bytes:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(plain, "read_file", refuse)
    with pytest.raises(DiskError, match=r"^Cannot read orders/run\.py: Permission denied$") as raised:
        project.files[PurePosixPath("orders/run.py")]
    assert raised.value.hint == "Check the path and its permissions."


def test_a_renamed_package_is_found(root: Path) -> None:
    (root / "orders").rename(root / "shop")
    (root / "orders").mkdir()  # what bytecode may leave behind
    _, project = disk.discover(root)
    assert project.package == "shop"
    assert project.name == "orders"
    assert PurePosixPath("shop/api/app.py") in project.files


def test_a_package_of_version_0_1_0_is_found(root: Path) -> None:
    """It had no `runtime/`."""
    shutil.rmtree(root / "orders/runtime")
    with pytest.raises(NoProject):
        disk.discover(root)
    (root / "orders/rpc.py").touch()
    (root / "orders/engine.py").touch()
    (root / "orders").rename(root / "shop")
    assert disk.discover(root)[1].package == "shop"


def test_a_package_that_is_gone(root: Path) -> None:
    shutil.rmtree(root / "orders")
    with pytest.raises(NoProject, match="package orders is not in"):
        disk.discover(root)


def test_a_package_that_could_be_either_of_two(root: Path) -> None:
    shutil.copytree(root / "orders", root / "shop")
    assert disk.discover(root)[1].package == "orders"
    (root / "orders").rename(root / "market")
    with pytest.raises(NoProject, match="market, shop"):
        disk.discover(root)


def test_a_package_outside_is_none(root: Path) -> None:
    (root / "orders").rename(root.parent / "orders")
    for name in ("../orders", str(root.parent / "orders")):
        (root / str(MANIFEST)).write_bytes(manifest(package_name=name))
        with pytest.raises(ManifestError):
            disk.discover(root)
    (root / str(MANIFEST)).write_bytes(SERVICE[str(MANIFEST)])
    (root / "orders").symlink_to(root.parent / "orders")
    with pytest.raises(NoProject):
        disk.discover(root)


def test_a_damaged_manifest(root: Path) -> None:
    (root / str(MANIFEST)).write_text("{")
    with pytest.raises(ManifestError):
        disk.discover(root / "orders")


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.symlink_to("README.md")])
def test_a_manifest_that_is_no_file(root: Path, make: Callable[[Path], None]) -> None:
    (root / str(MANIFEST)).unlink()
    make(root / str(MANIFEST))
    with pytest.raises(DiskError, match="not a plain file"):
        disk.discover(root)


def test_not_a_service(tmp_path: Path) -> None:
    with pytest.raises(NoProject) as raised:
        disk.discover(tmp_path)
    assert raised.value.message == f"{tmp_path} is not in a service made by resonate-scaffold"


@pytest.mark.parametrize(("start", "message"), [("no", "is not there"), ("f/no", "is not there"), ("f", "directory")])
def test_a_start_that_is_no_directory(tmp_path: Path, start: str, message: str) -> None:
    (tmp_path / "f").touch()
    with pytest.raises(UsageError, match=message):
        disk.discover(tmp_path / start)
