"""All or nothing: `create_tree` failing, interrupted and killed at every call that it makes to the system."""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import resource
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import pytest

from resonate_scaffold import disk
from resonate_scaffold.errors import DiskError, GitError, TargetExists
from resonate_scaffold.plan import Create, Plan
from tests.conftest import tree

PLAN = Plan(
    (
        Create(PurePosixPath(".env"), b"SECRET=1\n", private=True),
        Create(PurePosixPath("bin/run"), b"#!/bin/sh\n", executable=True),
        Create(PurePosixPath("pkg/deep/er/mod.py"), b"x = 1\n"),
        Create(PurePosixPath("README.md"), b"# hello\n"),
    )
)
WHOLE = {str(change.path): change.content for change in PLAN.changes if isinstance(change, Create)}


def nothing_more(tree: Path) -> None:
    """What `create_tree` calls before the rename, when there is no git."""


def siblings(directory: Path) -> list[Path]:
    return [path for path in directory.iterdir() if path.name.startswith(".")] if directory.exists() else []


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_creates_the_whole_tree(tmp_path: Path) -> None:
    def private_until_renamed(tree: Path) -> None:
        assert mode(tree.parent) == 0o700

    disk.create_tree(tmp_path / "svc", PLAN, private_until_renamed)
    assert tree(tmp_path / "svc") == WHOLE
    assert list(tmp_path.iterdir()) == [tmp_path / "svc"]


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_modes_follow_the_umask_and_secrets_do_not(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        disk.create_tree(tmp_path / "svc", PLAN, nothing_more)
    finally:
        os.umask(before)
    assert mode(tmp_path / "svc") == 0o777 & ~umask
    assert mode(tmp_path / "svc/pkg/deep") == 0o777 & ~umask
    assert mode(tmp_path / "svc/bin/run") == 0o777 & ~umask
    assert mode(tmp_path / "svc/README.md") == 0o666 & ~umask
    assert mode(tmp_path / "svc/.env") == 0o600 & ~umask


def test_takes_the_place_of_an_empty_directory(tmp_path: Path) -> None:
    (tmp_path / "svc").mkdir()
    disk.create_tree(tmp_path / "svc", PLAN, nothing_more)
    assert tree(tmp_path / "svc") == WHOLE


def a_file(path: Path) -> None:
    path.write_text("mine")


def a_full_directory(path: Path) -> None:
    path.mkdir()
    (path / "mine").touch()


def a_link_to_an_empty_directory(path: Path) -> None:
    (path.parent / "elsewhere").mkdir()
    path.symlink_to(path.parent / "elsewhere")


def a_broken_link(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere")


@pytest.mark.parametrize("obstacle", [a_file, a_full_directory, a_link_to_an_empty_directory, a_broken_link])
def test_refuses_a_target_that_is_taken(tmp_path: Path, obstacle: Callable[[Path], None]) -> None:
    obstacle(tmp_path / "svc")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(TargetExists):
        disk.create_tree(tmp_path / "svc", PLAN, nothing_more)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_target_that_fills_up_meanwhile_is_left_alone(tmp_path: Path) -> None:
    def somebody_else(_: Path) -> None:
        a_full_directory(tmp_path / "svc")

    with pytest.raises(DiskError):
        disk.create_tree(tmp_path / "svc", PLAN, somebody_else)
    assert [path.name for path in tmp_path.rglob("*")] == ["svc", "mine"]


def test_makes_the_parents_and_takes_them_back_if_it_fails(tmp_path: Path) -> None:
    def fail(_: Path) -> None:
        raise GitError("no", "no")

    with pytest.raises(GitError):
        disk.create_tree(tmp_path / "a/b/svc", PLAN, fail)
    assert not list(tmp_path.iterdir())
    disk.create_tree(tmp_path / "a/b/svc", PLAN, nothing_more)
    assert tree(tmp_path / "a/b/svc") == WHOLE


def test_a_parent_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for target in (tmp_path / "file/svc", tmp_path / "file/deeper/svc"):
        with pytest.raises(DiskError):
            disk.create_tree(target, PLAN, nothing_more)
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


# Faults. Python reports each system call of interest to an audit hook before it makes it, so a hook that
# fails at the n-th of them visits every point without the code knowing. A hook cannot be removed, so each run
# is a forked process.

WATCHED = {
    "open",
    "os.mkdir",
    "os.rename",
    "os.rmdir",
    "os.remove",
    "os.listdir",
    "os.scandir",
    "shutil.rmtree",
}
Fault = Callable[[], None]


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


def in_child(
    action: Callable[[], None], may_raise: tuple[type[BaseException], ...] = (DiskError, KeyboardInterrupt, OSError)
) -> int:
    """Run *action* in a forked process; its wait status. 0: it returned, 1: it raised what it may raise."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    status = 70
    try:
        action()
        status = 0
    except may_raise:
        status = 1
    finally:
        os._exit(status)


def faulty(target: Path, fault: Fault, at: int) -> int:
    """Create the tree with a fault at the *at*-th watched call."""

    def run() -> None:
        calls = itertools.count()

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            if event in WATCHED and next(calls) == at:
                fault()

        sys.addaudithook(hook)
        disk.create_tree(target, PLAN, nothing_more)

    return in_child(run)


def points(directory: Path, fault: Fault) -> Iterator[tuple[Path, int]]:
    """Run with a fault at the first call, the second, and so on, until a run has fewer calls than that."""
    for at in itertools.count():
        parent = directory / str(at) / "new"
        parent.parent.mkdir()
        status = faulty(parent / "svc", fault, at)
        yield parent, status
        if status == 0 and at > 30:
            return


@pytest.mark.parametrize("fault", [kill, fail, interrupt])
def test_a_fault_at_any_point_leaves_all_or_nothing(tmp_path: Path, fault: Fault) -> None:
    seen = set()
    for parent, status in points(tmp_path, fault):
        code = os.waitstatus_to_exitcode(status)
        assert code in {0, 1, -signal.SIGKILL}
        made = (parent / "svc").exists()
        seen.add((made, code))
        if made:
            assert tree(parent / "svc") == WHOLE
        left = siblings(parent)
        if fault is kill:
            assert len(left) <= 1
        else:
            # An error can hit the removal of the sibling itself; a signal cannot.
            assert not left or (made and fault is fail)
            assert made or not parent.exists()
            assert made or code == 1
        # The next run makes it whole, and removes what a kill left.
        if made:
            (parent / "svc").rename(parent / "other")
        disk.create_tree(parent / "svc", PLAN, nothing_more)
        assert tree(parent / "svc") == WHOLE
        assert not siblings(parent)
    assert (False, -signal.SIGKILL if fault is kill else 1) in seen
    assert (True, 0) in seen


def test_a_full_disk_in_the_middle_of_a_file(tmp_path: Path) -> None:
    big = Plan((*PLAN.changes, Create(PurePosixPath("zz/big"), b"x" * 100_000)))

    def run() -> None:
        # The limit makes a write fail half way, as a full disk does.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        disk.create_tree(tmp_path / "new/svc", big, nothing_more)

    assert os.waitstatus_to_exitcode(in_child(run)) == 1
    assert not list(tmp_path.iterdir())


# Siblings


def abandoned(parent: Path, name: str = ".svc.0123abcd") -> Path:
    path = parent / name
    (path / "tree/pkg").mkdir(parents=True)
    (path / "tree/pkg/half.py").write_text("x")
    (path / ".resonate-scaffold.lock").touch()
    return path


def test_removes_what_a_killed_run_left(tmp_path: Path) -> None:
    left = abandoned(tmp_path)
    empty = tmp_path / ".svc.00000000"
    empty.mkdir()
    disk.create_tree(tmp_path / "svc", PLAN, nothing_more)
    assert not left.exists()
    assert not empty.exists()


def test_leaves_the_sibling_of_a_run_that_is_alive(tmp_path: Path) -> None:
    alive = abandoned(tmp_path)
    with (alive / ".resonate-scaffold.lock").open("rb+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        disk.create_tree(tmp_path / "svc", PLAN, nothing_more)
    assert (alive / "tree/pkg/half.py").exists()


def test_leaves_what_only_looks_alike(tmp_path: Path) -> None:
    others = abandoned(tmp_path, ".svc.0123abcz"), abandoned(tmp_path, ".svc2.0123abcd")
    without_lock = abandoned(tmp_path, ".svc.11111111")
    (without_lock / ".resonate-scaffold.lock").unlink()
    with_more = abandoned(tmp_path, ".svc.22222222")
    (with_more / "notes.txt").write_text("mine")
    link = tmp_path / ".svc.33333333"
    link.symlink_to(others[0])
    file = tmp_path / ".svc.44444444"
    file.write_text("mine")
    disk.create_tree(tmp_path / "svc", PLAN, nothing_more)
    for path in (*others, without_lock, with_more):
        assert (path / "tree/pkg/half.py").exists()
    assert link.is_symlink()
    assert file.read_text() == "mine"


def test_two_at_once_make_one(tmp_path: Path) -> None:
    target = tmp_path / "svc"
    children = []
    for _ in range(8):
        child = os.fork()
        if not child:
            status = 70
            try:
                disk.create_tree(target, PLAN, nothing_more)
                status = 0
            except (TargetExists, DiskError):
                status = 1
            finally:
                os._exit(status)
        children.append(child)
    codes = sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)
    assert codes == [0] + [1] * 7
    assert tree(target) == WHOLE
    assert not siblings(tmp_path)
