"""What each `add` makes, to the byte.

A case is a directory of ``golden``:

    command   one command line, without the program; the comment `# bare`: of a service without the example
    given     the command lines that come before it, if any
    before    the files that it edits, as they were
    after     those, and the files that it creates, its record among them
    notes     what it tells the user

The tests here say what holds for all of them. ``python -m tests.test_golden --write`` makes the cases anew
from their command lines, and says what changed.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from resonate_scaffold.errors import ScaffoldError
from resonate_scaffold.forms import form
from resonate_scaffold.plan import Create, Delete, Edit, Plan
from resonate_scaffold.project import ADDS, MANIFEST, Added, Project, after
from tests.conftest import tree
from tests.grown import fresh, grown, planned

GOLDEN = Path(__file__).with_name("golden")
CASES = sorted(path.parent.name for path in GOLDEN.glob("*/command"))
WRITE = "python -m tests.test_golden --write"
"""Makes them anew."""


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
    files: dict[str, bytes] = {}
    for change in plan(case).changes:
        match change:
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


def records(case: str) -> list[Added]:
    """The records that a case adds, in their order."""
    was = service(case).adds()
    now = after(service(case), plan(case)).adds()
    assert now[: len(was)] == was
    return now[len(was) :]


@pytest.mark.parametrize("case", CASES)
def test_a_record_holds_what_was_done_and_the_manifest_stays(case: str) -> None:
    done = {change.path: change for change in plan(case).changes}
    assert MANIFEST not in done
    made = records(case)
    assert [one.number for one in made] == [len(service(case).adds()) + number + 1 for number in range(len(made))]
    assert {path for path in done if ADDS in path.parents} == {one.path for one in made}
    for one in made:
        assert Added.from_bytes(one.path, one.to_bytes()) == one

    def last(path: PurePosixPath) -> Added:
        return next(one for one in reversed(made) if str(path) in one.files or str(path) in one.edits)

    # Those of a deployment follow from the service, and no record has them.
    changed = {path: change for path, change in done.items() if ADDS not in path.parents and path.parts[0] != "deploy"}
    assert {*changed} == {PurePosixPath(path) for one in made for path in (*one.files, *one.edits)}
    for path, change in changed.items():
        match change:
            case Create(_, content):
                assert last(path).files[str(path)] == form(path, content)
            case Edit():
                assert str(path) in last(path).edits


@pytest.mark.parametrize("case", CASES)
def test_again_is_nothing_and_remove_gives_every_byte_back(case: str) -> None:
    project = service(case)
    there = after(project, plan(case))
    assert planned(there, command(case)).changes == ()

    for added in reversed(records(case)):
        there = grown(there, f"remove {added.kind} '{added.name}'")
    assert dict(there.files) == dict(project.files)


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
