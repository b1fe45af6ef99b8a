"""What somebody else made is not acted on: journals in a repository, services of other users, records, odd files."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resonate_scaffold import disk, trust
from resonate_scaffold.dev.project import find_project
from resonate_scaffold.errors import DiskError, Untrusted
from resonate_scaffold.project import MANIFEST, fingerprint
from tests.conftest import Ran, Tool
from tests.test_apply import PLAN, SERVICE, STAGING, killed, service, settle, whole, with_other_path as changed

EVIL = b"import os; os.system('touch /tmp/attacked')\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return service(tmp_path / "orders-service")


def planted(root: Path, path: str = ".venv/lib/python3.13/site-packages/evil.pth") -> None:
    """What a branch may hold: a journal without a seal, or with one made up, that puts a file of its own to *path*."""
    staging = root / STAGING
    staging.mkdir(mode=0o700)
    (staging / "new-0").write_bytes(EVIL)
    changes = [{"path": path, "before": None, "after": fingerprint(EVIL)}]
    parents = [str(parent) for parent in reversed(Path(path).parents) if str(parent) != "."]
    journal = {"changes": changes, "made": parents, "seal": "0" * 64}
    (staging / "journal.json").write_text(json.dumps(journal))


def git(root: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


def checked_out(root: Path) -> Path:
    """A clone of a repository that has all this."""
    git(root, "init", "-q")
    git(root, "add", "--all", "--force")
    git(root, "commit", "-q", "-m", "x")
    git(root.parent, "clone", "-q", str(root), "cloned")
    return root.parent / "cloned"


COMPLETION = {
    "_RESONATE_SCAFFOLD_COMPLETE": "complete_bash",
    "COMP_WORDS": "resonate-scaffold remove workflow ",
    "COMP_CWORD": "3",
}


def commands(tool: Tool, process: Tool, root: Path) -> list[Ran]:
    """Those that only read."""
    return [
        process(cwd=root, env=COMPLETION),
        *(tool(*line.split(), str(root)) for line in ("list --project", "list --json --project", "check", "graph")),
        tool("add", "workflow", "ship", "--dry-run", "--project", str(root)),
    ]


@pytest.mark.parametrize("path", [".venv/lib/python3.13/site-packages/evil.pth", "orders/workflows/evil.py"])
def test_what_only_reads_carries_no_journal_out(tool: Tool, process: Tool, root: Path, path: str) -> None:
    planted(root, path)
    before = whole(root)
    for ran in commands(tool, process, root):
        assert "Traceback" not in ran.err
        assert whole(root) == before
    listed = tool("list", "--project", str(root))
    assert listed.status == 0
    assert "may be half of it" in listed.out


def test_what_only_reads_settles_nothing_of_its_own_user_either(tool: Tool, process: Tool, root: Path) -> None:
    killed(root, 3)
    before = whole(root)
    commands(tool, process, root)
    assert whole(root) == before


@pytest.mark.parametrize("path", [".venv/lib/python3.13/site-packages/evil.pth", "orders/workflows/evil.py"])
def test_what_changes_a_service_refuses_a_journal_of_somebody_else(tool: Tool, root: Path, path: str) -> None:
    planted(root, path)
    before = whole(root)
    for line in ("add workflow ship", "remove workflow ship"):
        ran = tool(*line.split(), "--project", str(root))
        assert ran.status == 1
        assert "was not left by a command of yours" in ran.err
        assert f"rm -r {root / STAGING}" in ran.err
        after = whole(root)
        after.pop(f"{STAGING}/.resonate-scaffold.lock", None)
        assert after == before


def test_a_journal_that_was_changed_is_refused(root: Path) -> None:
    killed(root, 0)
    changed(root, "orders/workflows/evil.py", sealed=False)
    before = whole(root)
    with pytest.raises(Untrusted, match="seal"):
        settle(root)
    assert whole(root) == before


def test_a_directory_that_others_may_write_to_is_refused(root: Path) -> None:
    killed(root, 3)
    (root / STAGING).chmod(0o755)
    with pytest.raises(Untrusted, match="others may write"):
        settle(root)
    (root / STAGING).chmod(0o700)
    settle(root)
    assert not (root / STAGING).exists()


def test_a_file_system_without_modes_keeps_nobody_from_changing_a_service(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mkdir = Path.mkdir
    monkeypatch.setattr(Path, "mkdir", lambda path, mode=0o777, **options: (mkdir(path, **options), path.chmod(0o777)))
    disk.apply(root, PLAN)
    assert not (root / STAGING).exists()
    (root / STAGING).mkdir()
    with pytest.raises(Untrusted):
        settle(root)


def test_a_journal_in_a_clone_is_refused(root: Path) -> None:
    """Also where a umask makes the directory private, and the user published it."""
    killed(root, 3)
    clone = checked_out(root)
    (clone / STAGING).chmod(0o700)
    before = whole(clone)
    with pytest.raises(Untrusted, match="git tracks it"):
        settle(clone)
    after = whole(clone)
    after.pop(f"{STAGING}/.resonate-scaffold.lock", None)
    before.pop(f"{STAGING}/.resonate-scaffold.lock", None)
    assert after == before


def test_the_repository_of_a_hook_that_runs_it_is_another(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(root, 3)
    clone = checked_out(root)
    (clone / STAGING).chmod(0o700)
    (root.parent / "empty").mkdir()
    git(root.parent / "empty", "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(root.parent / "empty/.git"))
    with pytest.raises(Untrusted, match="git tracks it"):
        settle(clone)


def test_a_repository_runs_nothing_while_it_is_asked(root: Path) -> None:
    killed(root, 3)
    git(root, "init", "-q")
    ran = root.parent / "ran"
    hook = root / ".git/query"
    hook.write_text(f"#!/bin/sh\ntouch {ran}\n")
    hook.chmod(0o755)
    git(root, "config", "core.fsmonitor", ".git/query")
    git(root, "config", "core.hooksPath", ".git")
    settle(root)
    assert not ran.exists()


def test_a_key_of_another_user_does_not_count(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "mine"))
    killed(root, 3)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    with pytest.raises(Untrusted):
        settle(root)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "mine"))
    settle(root)


def test_the_key_is_private_and_one_that_is_not_does_not_count(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    code = trust.seal(b"x", root)
    key = tmp_path / "state/resonate-scaffold/journal-key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert trust.is_sealed(b"x", code, root)
    assert not trust.is_sealed(b"y", code, root)
    key.chmod(0o644)
    assert not trust.is_sealed(b"x", code, root)


@pytest.mark.parametrize("where", ["home in the project", "in the project", "a file"])
def test_where_no_key_can_be_kept_a_command_works_and_its_journal_does_not_count(
    root: Path, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()

    def set_up(root: Path) -> None:
        places = {"home in the project": "", "in the project": str(root / "state"), "a file": str(tmp_path / "file")}
        monkeypatch.setenv("XDG_STATE_HOME", places[where])
        monkeypatch.setenv("HOME", str(root))

    set_up(root)
    disk.apply(root, PLAN)
    assert not (root / STAGING).exists()
    other = service(tmp_path / "other")
    set_up(other)
    killed(other, 3)
    with pytest.raises(Untrusted):
        settle(other)
    assert not list(tmp_path.rglob("journal-key*"))


# Other users


@pytest.fixture
def somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be another user than the one whose files these are."""
    real = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: real + 1)
    monkeypatch.delenv("SUDO_UID", raising=False)


@pytest.mark.usefixtures("somebody_else")
def test_a_service_of_another_user_is_refused(tool: Tool, root: Path) -> None:
    below = root / "orders/api"
    for line in ("list", "add workflow ship", "dev --port 0"):
        ran = tool(*line.split(), "--project", str(below))
        assert ran.status == 1
        assert "belongs to another user" in ran.err
        assert f"export {trust.ALLOWED}={root}" in ran.err


@pytest.mark.usefixtures("somebody_else")
@pytest.mark.parametrize("allowed", ["{root}", "*", "/elsewhere{sep}{root}"])
def test_a_service_of_another_user_can_be_allowed(root: Path, allowed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(trust.ALLOWED, allowed.format(root=root, sep=os.pathsep))
    assert disk.discover(root / "orders")[0] == root
    assert find_project(root / "orders").root == root


@pytest.mark.usefixtures("somebody_else")
@pytest.mark.parametrize("allowed", ["", "{root}-not", "{root}/orders", "orders-service", "."])
def test_another_directory_that_is_allowed_allows_nothing_else(
    root: Path, allowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(trust.ALLOWED, allowed.format(root=root))
    monkeypatch.chdir(root)
    for find in (disk.discover, find_project):
        with pytest.raises(Untrusted):
            find(root)


def test_what_the_user_had_before_sudo_is_the_user_s(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", str(root.stat().st_uid))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    disk.discover(root)
    if root.stat().st_uid:
        monkeypatch.setattr(os, "geteuid", lambda: root.stat().st_uid + 1)
        with pytest.raises(Untrusted):
            disk.discover(root)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("name", [str(MANIFEST), "Procfile", "Procfile.dev", ".env", "."])
def test_a_file_of_another_user_decides_nothing(root: Path, name: str) -> None:
    (root / name).parent.mkdir(exist_ok=True)
    if name != ".":
        (root / name).write_bytes(SERVICE.get(name, b"x: true\n"))
    os.chown(root / name, 12345, 12345)
    with pytest.raises(Untrusted, match="belongs to another user"):
        find_project(root / "orders")


# Files that are none


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def an_endless_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_link_out(path: Path) -> None:
    (path.parent.parent / "outside").write_text("mine\n")
    path.symlink_to(path.parent.parent / "outside")


@pytest.mark.parametrize("make", [a_pipe, an_endless_device, a_link_out])
@pytest.mark.parametrize("name", ["pyproject.toml", "orders/api/more.py", str(MANIFEST)])
def test_a_check_reads_plain_files_only(process: Tool, root: Path, name: str, make: Callable[[Path], None]) -> None:
    (root / name).unlink(missing_ok=True)
    make(root / name)
    for line in ("check .", "check orders", f"check {name}", "graph ."):
        ran = process(*line.split(), cwd=root)
        assert ran.status in {0, 1, 2}
        assert "Traceback" not in ran.err
        assert "mine" not in ran.out + ran.err
        if name == "pyproject.toml":
            assert ran.status == 2
            assert "pyproject.toml cannot be read" in ran.err or "is a symbolic link" in ran.err


@pytest.fixture
def drawable(root: Path) -> Path:
    """A service that `graph` has something to draw of."""
    (root / "orders/api/app.py").write_text(
        "from resonate import Resonate\nresonate = Resonate()\n\n@resonate.register\nasync def pay(ctx): ...\n"
    )
    (root / "pyproject.toml").write_text("")
    return root


def test_a_graph_is_written_to_new_files_and_over_plain_ones(tool: Tool, drawable: Path, tmp_path: Path) -> None:
    for path in (drawable / "graph.txt", tmp_path / "elsewhere.txt"):
        for _ in range(2):
            assert tool("graph", str(drawable), "--output", str(path)).status == 0
        assert path.read_text() == tool("graph", str(drawable)).out


def a_link(path: Path, outside: Path) -> Path:
    path.symlink_to(outside)
    return path


def a_link_to_nothing_yet(path: Path, outside: Path) -> Path:
    path.symlink_to(outside.with_name("new"))
    return path


def a_link_on_the_way(path: Path, outside: Path) -> Path:
    path.symlink_to(outside.parent)
    return path / outside.name


def a_pipe_there(path: Path, outside: Path) -> Path:
    os.mkfifo(path)
    return path


@pytest.mark.parametrize("make", [a_link, a_link_to_nothing_yet, a_link_on_the_way, a_pipe_there])
@pytest.mark.parametrize("through", ["the project", "a link to it"])
def test_a_graph_is_written_through_no_link(
    tool: Tool, drawable: Path, tmp_path: Path, make: Callable[[Path, Path], Path], through: str
) -> None:
    outside = tmp_path / "outside/mine"
    outside.parent.mkdir()
    outside.write_text("mine\n")
    place = drawable
    if through == "a link to it":
        place = tmp_path / "linked"
        place.symlink_to(drawable)
    before = signal.alarm(30)  # a pipe that is waited for
    ran = tool("graph", str(drawable), "--output", str(make(place / "graph.svg", outside)))
    signal.alarm(before)
    assert ran.status == 1
    assert "Traceback" not in ran.err
    assert [path.read_text() for path in outside.parent.iterdir()] == ["mine\n"]


def test_a_file_is_written_where_the_user_says_through_links_of_his_own(
    tool: Tool, drawable: Path, tmp_path: Path
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "mine").symlink_to(tmp_path / "real")
    disk.write_output(tmp_path / "mine/graph.txt", "x", drawable)
    assert (tmp_path / "real/graph.txt").read_text() == "x"
    with pytest.raises(DiskError):
        disk.write_output(tmp_path / "nowhere/graph.txt", "x", drawable)


# Records


@pytest.fixture
def grown(tool: Tool, tmp_path: Path) -> Path:
    """A service to which something of several kinds was added."""
    tool("new", "orders", "--into", str(tmp_path), "--defaults", "--no-install", "--no-git", "--bare")
    root = tmp_path / "orders"
    for line in (
        "workflow clean-up",
        "schedule nightly --workflow clean-up --cron",
        "group mail",
        "rpc payments.charge",
        "idempotency-key invoice --from number:str",
    ):
        cron = ["0 3 * * *"] if line.endswith("--cron") else []
        assert tool("add", *line.split(), *cron, "--project", str(root)).status == 0
    return root


def record_of(root: Path, kind: str) -> tuple[Path, dict[str, Any]]:
    (path,) = (root / ".resonate-scaffold/adds").glob(f"*-{kind}-*.json")
    return path, json.loads(path.read_text())


def test_a_record_takes_nothing_away_that_is_not_its_own(tool: Tool, grown: Path) -> None:
    """By naming a file, an element of a list or a definition of others."""
    path, honest = record_of(grown, "schedule")
    lists = [["SERVED", "workflows.clean_up.clean_up"]]
    forged: list[dict[str, Any]] = [
        {"files": {"pyproject.toml": fingerprint((grown / "pyproject.toml").read_bytes())}},
        {"files": {".resonate-scaffold.json": fingerprint((grown / ".resonate-scaffold.json").read_bytes())}},
        {"edits": {"orders/workflows/worker.py": {"lists": lists, "defines": []}}},
        {"edits": {"orders/ids.py": {"lists": [], "defines": ["invoice"]}}},
        {"edits": {".env.example": {"lists": [], "defines": []}}},
    ]
    for part in forged:
        path.write_text(json.dumps(honest | part))
        before = whole(grown)
        ran = tool("remove", "schedule", "nightly", "--yes", "--project", str(grown))
        assert ran.status == 1
        assert "is not of schedule nightly" in ran.err
        assert whole(grown) == before


@pytest.mark.parametrize("options", [[], ["--yes"]], ids=" ".join)
def test_a_record_deletes_no_file_that_the_add_does_not_make(tool: Tool, grown: Path, options: list[str]) -> None:
    """With the right hash, too: it has to be one that its `add` makes."""
    path, record = record_of(grown, "schedule")
    mine = grown / "orders/reports.py"
    mine.write_text("TOTAL = 1\n")
    record["files"]["orders/reports.py"] = fingerprint(mine.read_bytes())
    several: tuple[dict[str, Any], ...] = ({}, {"options": {}})
    for more in several:  # also where the `add` cannot be made again
        path.write_text(json.dumps(record | more))
        before = whole(grown)
        ran = tool("remove", "schedule", "nightly", "--project", str(grown), *options)
        assert ran.status == 1
        assert "orders/reports.py is not of schedule nightly" in ran.err
        assert whole(grown) == before
