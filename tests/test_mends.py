"""`check --fix`: what is changed is certain, valid, and found no more; what is not certain stays."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from resonate_scaffold import disk
from resonate_scaffold.check import check
from resonate_scaffold.check.findings import Mend
from resonate_scaffold.check.mends import mended
from resonate_scaffold.plan import Plan

from . import corpus
from .conftest import Tool

CONTEXT = (
    "from resonate.context import Context\n\n\nasync def step(ctx: Context) -> int:\n    return 1\n\n\n"
    "async def work(ctx: Context) -> object:\n    "
)
CLIENT = "from resonate.resonate import Resonate\n\n\nasync def start(client: Resonate, step: object) -> object:\n    "
BOTH = "from resonate.context import Context as C\nfrom resonate.resonate import Resonate\n"


@pytest.mark.parametrize(
    ("before", "old", "new", "after"),
    [
        ("from ", "resonate import Context", "resonate.context import Context", "\n"),
        ("", "from resonate import Context as C, Resonate\n", BOTH, ""),
        (f"{CONTEXT}return await ", "ctx.lfc(step)", "ctx.run(step)", "\n"),
        (f"{CONTEXT}future = ", "ctx.rfi", "ctx.rpc", "('other', 1)\n    return await future\n"),
        (f"{CONTEXT}await ctx.run(step)\n    return ", "ctx.id", "ctx.info.id", "\n"),
        (f"{CLIENT}h = ", "client.begin_run", "client.run", "('a', step)\n    return await h.result()\n"),
        (f"{CLIENT}h = client.run('a', step)\n    return ", "h.id", "await h.id()", "\n"),
        (f"{CLIENT}h = client.run('a', step)\n    print(", "h.result()", "await h.result()", ")\n"),
    ],
)
def test_what_was_only_renamed(before: str, old: str, new: str, after: str) -> None:
    path, content = PurePosixPath("main.py"), f"{before}{old}{after}".encode()
    found = [it for it in check({path: content}) if it.code.startswith("RS5")]
    assert found
    changed = mended(content, [it.mend for it in found if it.mend is not None])
    assert changed.decode() == f"{before}{new}{after}"
    assert not [it for it in check({path: changed}) if it.code.startswith("RS5")]


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("", "from resonate import Context, Handle\n"),
        (CLIENT, "h = client.run('a', step)\n    return h.result().name\n"),
        (CLIENT, "return client.begin_rpc('a', 'b').id\n"),
        (CONTEXT, "return await ctx.time()\n"),
    ],
)
def test_what_is_not_certain_stays(head: str, body: str) -> None:
    found = [it for it in check({PurePosixPath("main.py"): (head + body).encode()}) if it.code.startswith("RS5")]
    assert found and not any(it.mend for it in found)


@pytest.mark.parametrize("program", [it for it in corpus.programs() if it.is_wrong], ids=lambda it: it.name)
def test_a_mend_ends_its_finding_and_makes_none(program: corpus.Program) -> None:
    files = {PurePosixPath(name): text.encode() for name, text in program.files.items()}
    before = check(files)
    for path, content in files.items():
        mends = [it.mend for it in before if it.mend is not None and it.path == path]
        files[path] = mended(content, mends) if mends else content
    after = {(it.path, it.code, it.message) for it in check(files)}
    assert after <= {(it.path, it.code, it.message) for it in before}
    assert sum(it.mend is None for it in before) <= len(check(files)) <= len(before)


def test_a_change_that_would_break_the_file_is_not_made() -> None:
    mends = [Mend(1, 1, 1, 2, "("), Mend(2, 1, 2, 2, "z"), Mend(2, 1, 2, 6, "q")]
    assert mended(b"x = 1\ny = 2\n", mends).decode() in ("x = 1\nz = 2\n", "x = 1\nq\n")


def test_in_a_service_only_what_is_its_owners_is_changed(tool: Tool, tmp_path: Path) -> None:
    assert tool("new", "shop", "--bare", "--defaults", "--no-install", "--no-git", "--into", str(tmp_path)).status == 0
    shop, line = tmp_path / "shop", "from resonate import Context\n"
    paths = [shop / "shop" / "db" / "more.py", shop / "scripts" / "more.py"]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_text(line)
    edited = shop / "shop" / "runtime" / "errors.py"
    edited.write_text(edited.read_text("utf-8") + "# more\n", "utf-8")
    before = edited.read_text("utf-8")
    for option in ("--fix", "--add-noqa"):
        ran = tool("check", str(shop), option)
        assert ran.status == 1 and "RS601" in ran.out and "scripts/more.py" in ran.out
    assert edited.read_text("utf-8") == before
    assert [path.read_text() == line for path in paths] == [False, True]


def test_a_file_that_changes_meanwhile_stops_all_of_it(
    tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, old = tmp_path / "home", "from resonate import Context\n"
    for name in ("a.py", "b.py"):
        (home / name).write_text(old)

    def apply(root: Path, plan: Plan) -> None:
        (home / "b.py").write_text("x = 1\n")
        disk.apply(root, plan)

    monkeypatch.setattr("resonate_scaffold.check.run.apply", apply)
    ran = tool("check", "--fix")
    assert ran.status == 1 and "b.py changed since it was read" in ran.err
    assert [(home / name).read_text() for name in ("a.py", "b.py")] == [old, "x = 1\n"]


def test_fix_and_add_noqa_exclude_each_other(tool: Tool) -> None:
    ran = tool("check", "--fix", "--add-noqa")
    assert ran.status == 2 and "exclude each other" in ran.err
