"""What each `add` makes, to the byte.

A case is a directory of ``golden``:

    command   one command line, without the program; the comment `# bare`: of a service without the example
    given     the command lines that come before it, if any
    before    the files that it edits, as they were
    after     those, and the files that it creates
    notes     what it tells the user

Of the manifest a case holds what is about these files. ``python -m tests.test_golden --write`` makes the cases anew
from their command lines, and says what changed.
"""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import pytest

from resonate_scaffold.errors import ScaffoldError
from resonate_scaffold.plan import Create, Delete, Edit, Plan
from resonate_scaffold.project import MANIFEST, Manifest, Project, after, restore
from tests.conftest import tree
from tests.grown import fresh, grown, planned

GOLDEN = Path(__file__).with_name("golden")
CASES = sorted(path.parent.name for path in GOLDEN.glob("*/command"))
WRITE = "python -m tests.test_golden --write"
"""Makes them anew."""

# The manifest's name begins with a dot, and it is not the whole manifest.
LOG = PurePosixPath("manifest.json")


def lines(case: str, name: str) -> list[str]:
    """The lines of a file of a case, without comments; none where there is no such file."""
    path = GOLDEN / case / name
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@functools.cache
def service(case: str) -> Project:
    """The service that a case begins with."""
    bare = "# bare" in (GOLDEN / case / "command").read_text(encoding="utf-8").splitlines()
    return grown(fresh(bare=bare), *lines(case, "given"))


def command(case: str) -> str:
    """The one command line of a case."""
    (line,) = lines(case, "command")
    return line


@functools.cache
def plan(case: str) -> Plan:
    """What a case is about."""
    return planned(service(case), command(case))


def expected(case: str) -> dict[str, bytes]:
    """The files of a case by path below it, from its plan."""
    paths = touched(case)
    files: dict[str, bytes] = {}
    for change in plan(case).changes:
        match change:
            case Edit(path, old, new) if path == MANIFEST:
                files[f"before/{LOG}"] = _about(old, paths)
                files[f"after/{LOG}"] = _about(new, paths)
            case Create(path, content):
                files[f"after/{path}"] = content
            case Edit(path, old, new):
                files[f"before/{path}"] = old
                files[f"after/{path}"] = new
            case Delete():
                raise AssertionError(f"{case}: an add deletes {change.path}")
    # The next times of a schedule are those after now.
    notes = [note for note in plan(case).notes if not note.startswith("Next (UTC): ")]
    if notes:
        files["notes"] = "".join(f"{note}\n" for note in notes).encode()
    return files


def touched(case: str) -> set[str]:
    """The paths that a case changes."""
    return {str(change.path) for change in plan(case).changes}


def _about(content: bytes, paths: set[str]) -> bytes:
    """A manifest, reduced to what an `add` may change, and to some files."""
    manifest = json.loads(content)
    files = {path: digest for path, digest in manifest["files"].items() if path in paths}
    return (json.dumps({"adds": manifest["adds"], "files": files}, indent=2, sort_keys=True) + "\n").encode()


def recorded(case: str) -> dict[str, bytes]:
    """The files of a case as they are committed."""
    return {path: text for path, text in tree(GOLDEN / case).items() if path not in ("command", "given")}


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str) -> None:
    made = expected(case)
    there = recorded(case)
    assert sorted(made) == sorted(there), f"as meant? {WRITE}"
    for path, content in made.items():
        assert content.decode() == there[path].decode(), f"{path}: as meant? {WRITE}"


@pytest.mark.parametrize("case", CASES)
def test_the_rest_of_the_manifest_stays(case: str) -> None:
    paths = touched(case)
    was, now = service(case).manifest, after(service(case), plan(case)).manifest

    def rest(manifest: Manifest) -> Mapping[str, str]:
        return {path: digest for path, digest in manifest.files.items() if path not in paths}

    assert (was.version, was.template, was.answers, rest(was)) == (now.version, now.template, now.answers, rest(now))
    assert now.adds[: len(was.adds)] == was.adds


@pytest.mark.parametrize("case", CASES)
def test_again_is_nothing_and_remove_gives_every_byte_back(case: str) -> None:
    project = service(case)
    there = after(project, plan(case))
    assert planned(there, command(case)).changes == ()

    was = len(project.manifest.adds)
    for change in plan(case).changes:
        if isinstance(change, Edit) and change.path != MANIFEST:
            content = change.after
            for added in reversed(there.manifest.adds[was:]):
                if str(change.path) in added.edits:
                    content = restore(content, added.edits[str(change.path)].undo)
            assert content == change.before, change.path

    for added in reversed(there.manifest.adds[was:]):
        there = grown(there, f"remove {added.kind} '{added.name}'")
    assert without_manifest(there) == without_manifest(project)
    assert there.manifest == project.manifest


def without_manifest(project: Project) -> Mapping[PurePosixPath, bytes]:
    return {path: content for path, content in project.files.items() if path != MANIFEST}


def test_they_are_sorted_and_formatted() -> None:
    """By the rules of the service, which knows `orders` and `tests` as its own."""
    rules = 'lint.select=["ASYNC","B","E","F","I","PTH","RUF","SIM","UP","W"]'
    ours = 'lint.isort.known-first-party=["orders","tests"]'
    options = ["--isolated", "--line-length=120", "--target-version=py312", "--no-cache"]
    ruff: list[str | Path] = [sys.executable, "-m", "ruff"]
    for line in (
        [*ruff, "format", "--diff", *options, GOLDEN],
        [*ruff, "check", *options, "--ignore=ASYNC109", f"--config={rules}", f"--config={ours}", GOLDEN],
    ):
        done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def write() -> Iterator[str]:
    """Make every case anew from its command lines; yields what changed."""
    for case in CASES:
        there = recorded(case)
        try:
            made = expected(case)
        except ScaffoldError as error:
            yield f"REFUSED  {case}: {error.message} ({error.hint})"
            continue
        for path in sorted(made.keys() | there.keys()):
            if path not in there:
                yield f"new      {case}/{path}"
            elif path not in made:
                yield f"gone     {case}/{path}"
            elif made[path] != there[path]:
                yield f"changed  {case}/{path}"
        for directory in ("before", "after"):
            shutil.rmtree(GOLDEN / case / directory, ignore_errors=True)
        (GOLDEN / case / "notes").unlink(missing_ok=True)
        for path, content in made.items():
            target = GOLDEN / case / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(f"usage: {WRITE}")
    print("\n".join(write()) or "nothing changed")
