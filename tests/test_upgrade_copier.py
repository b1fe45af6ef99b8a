"""`copier copy` and `copier update` on a service, from the bundle that `resonate-scaffold template` writes."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from copier import run_copy, run_update

from resonate_scaffold import __version__, templates
from resonate_scaffold.project import MANIFEST, FilesInMemory, Manifest, Project
from resonate_scaffold.templates import BUNDLE
from resonate_scaffold.upgrade.bundle import bundle_of
from resonate_scaffold.upgrade.plan import Upgrade, plan_upgrade
from resonate_scaffold.upgrade.replay import Record, Replayed, replay
from resonate_scaffold.upgrade.repository import Tree
from tests.conftest import Tool, git, tree
from tests.past_service import old, write

NEXT = "9.9.9"
ANSWERS_FILE = ".copier-answers.yml"
SETTLE = Record("workflow", "settle", {"takes": ["sku:str"], "returns": ["done:bool"], "calls": []})
ERRORS, SETTINGS, JOBS = "shop/runtime/errors.py", "shop/settings.py", "shop/api/jobs.py"


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean_git: None) -> Path:
    """Where services expect the template, in a home directory that is empty."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    return Path(BUNDLE).expanduser()


def without_records(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files that a template makes, but for what it notes about itself."""
    return {path: content for path, content in files.items() if path not in (str(MANIFEST), ANSWERS_FILE)}


def test_the_bundle_has_each_version(process: Tool, bundle: Path, tmp_path: Path) -> None:
    """What Copier makes of its tags are the bytes of `new`, by each version."""
    ran = process("template", "--json")
    assert (ran.status, ran.err, ran.json["changes"]) == (0, "", [{"path": str(bundle), "action": "create"}])
    written = bundle.read_bytes()
    again = process("template")
    assert (again.status, "create" in again.out, bundle.read_bytes()) == (0, False, written)
    assert [path.name for path in bundle.parent.iterdir()] == [bundle.name]
    for version in ("0.1.0", __version__):
        run_copy(BUNDLE, tmp_path / version, {"project_name": "shop"}, vcs_ref=version, defaults=True, quiet=True)
    before = {str(path): content for path, content in old("shop").items()}
    assert without_records(tree(tmp_path / "0.1.0")) == without_records(before)
    made = tree(tmp_path / __version__)
    rendering = templates.render_builtin(templates.complete_answers({"project_name": "shop"}))
    assert made == {str(path): file.content for path, file in rendering.files.items()}
    assert b"resonate-scaffold template" in made[ANSWERS_FILE].splitlines()[0]


def test_a_bundle_that_has_more_is_not_overwritten(process: Tool, tmp_path: Path) -> None:
    newer = bundle_of({__version__: Tree({PurePosixPath("a"): b"1"}), NEXT: Tree({PurePosixPath("a"): b"2"})})
    file = tmp_path / "made.bundle"
    file.write_bytes(newer)
    ran = process("template", "--output", str(file))
    assert (ran.status, file.read_bytes()) == (2, newer)
    assert f"has version {NEXT}" in ran.err and "--output FILE" in ran.err
    file.write_text("no bundle\n")
    assert process("template", "--output", str(file)).status == 0
    assert file.read_bytes().startswith(b"# v")
    ran = process("template", "--output", str(tmp_path))
    assert (ran.status, "is a directory" in ran.err) == (2, True)


def made_by_next(answers: Mapping[str, Any], scratch: Path, patch: pytest.MonkeyPatch) -> tuple[Tree, Replayed]:
    """A later version's template, and the service as it makes it: it has a line and a file more."""
    there = scratch / "templates" / "project"
    shutil.copytree(templates.builtin_directory().parent, there.parent)
    package = there / "service" / "{{package_name}}"
    for name in ("runtime/errors.py", "api/jobs.py"):
        with (package / name).open("a", encoding="utf-8") as file:
            file.write("\nNEW = True\n")
    (package / "runtime" / "new.py").write_text('"""New."""\n', "utf-8")
    with patch.context() as patched:
        patched.setattr(templates, "builtin_directory", lambda: there)
        for place in ("resonate_scaffold", "resonate_scaffold.upgrade.replay"):
            patched.setattr(f"{place}.__version__", NEXT)
        made = replay(answers, [SETTLE])
        return tree_of_template(), made


def tree_of_template() -> Tree:
    return Tree({path: file.content for path, file in templates.builtin_files().items()})


def upgraded(files: Mapping[PurePosixPath, bytes], made: Mapping[str, Replayed]) -> Upgrade:
    """The plan of an upgrade to the later version, by what both versions make."""
    manifest = Manifest.from_bytes(files[MANIFEST])
    records = Project("shop", manifest, FilesInMemory(files)).recorded()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("resonate_scaffold.upgrade.plan.replay_with", lambda version, *_: made[version])
        return plan_upgrade(manifest, records, "shop", Tree(files), NEXT)


def test_copier_updates_a_service(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was edited and added stays, what is new comes; `upgrade` does the rest, and finds nothing in its way."""
    answers = templates.complete_answers({"project_name": "shop"})
    now = replay(answers, [SETTLE])
    later_template, later = made_by_next(answers, tmp_path, monkeypatch)
    assert now.refused == later.refused == ()
    bundle.parent.mkdir(parents=True)
    bundle.write_bytes(bundle_of({__version__: tree_of_template(), NEXT: later_template}))

    edited = dict(now.files)
    for path in map(PurePosixPath, (SETTINGS, JOBS)):
        edited[path] = b"# mine\n" + edited[path]
    service = write(edited, tmp_path / "shop")
    git(service, "init", "--quiet")
    git(service, "add", "--all")
    git(service, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "--quiet", "-m", "x")
    run_update(service, defaults=True, overwrite=True, quiet=True)

    changed = git(service, "status", "--porcelain", "--untracked-files=all").split()
    assert changed == ["M", ANSWERS_FILE, "M", JOBS, "M", ERRORS, "??", "shop/runtime/new.py"]
    updated = {PurePosixPath(path): content for path, content in tree(service).items()}
    assert f"_commit: {NEXT}\n".encode() in updated[PurePosixPath(ANSWERS_FILE)]
    for name, mark in (
        (SETTINGS, b"# mine\n"),
        (JOBS, b"# mine\n"),
        (JOBS, b"NEW = True\n"),
        (ERRORS, b"NEW = True\n"),
    ):
        assert mark in updated[PurePosixPath(name)], name

    upgrade = upgraded(updated, {__version__: now, NEXT: later})
    assert (upgrade.conflicts, upgrade.edited_runtime, upgrade.unlike) == ((), (), ())
    # The files are the new version's already; what Copier does not know are the records.
    assert {change.path for change in upgrade.plan.changes} <= {path for path in later.files if path == MANIFEST}


def test_without_the_bundle_nothing_is_changed(bundle: Path, tmp_path: Path) -> None:
    """Copier cannot say more than that there is no template; the file that it read says what to do."""
    made = replay(templates.complete_answers({"project_name": "shop"}), [])
    service = write(made.files, tmp_path / "shop")
    git(service, "init", "--quiet")
    git(service, "add", "--all")
    git(service, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "--quiet", "-m", "x")
    with pytest.raises(ValueError, match="Local template must be a directory"):
        run_update(service, defaults=True, overwrite=True, quiet=True)
    assert git(service, "status", "--porcelain") == ""
