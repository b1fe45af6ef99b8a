"""What is kept between two runs: never an answer for other content, and nothing in the project."""

from __future__ import annotations

import os
import random
from pathlib import Path, PurePosixPath

import pytest

from resonate_scaffold import cache
from resonate_scaffold.check import Judgement, judge
from resonate_scaffold.check.findings import Finding
from resonate_scaffold.code.model import Model

from .conftest import Tool

WRONG = """\
import time

from resonate.context import Context


async def note(ctx: Context, at: float) -> None: ...


async def work(ctx: Context) -> None:
    await ctx.run(note, time.time())
"""
RIGHT = WRONG.replace("time.time()", "abs(-1.000)")  # as long


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "resonate-scaffold" / "answers"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "home"
    (root / "pyproject.toml").write_text("")
    (root / "work.py").write_text(WRONG)
    return root


def codes(tool: Tool, *arguments: str) -> list[str]:
    return [it["code"] for it in tool("check", "--format", "json", *arguments).json["findings"]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was analysed, and so not answered from the cache."""
    analysed: list[str] = []

    def counted(model: Model) -> Judgement:
        analysed.append("check")
        return judge(model)

    monkeypatch.setattr("resonate_scaffold.check.run.judge", counted)
    return analysed


def test_an_unchanged_project_is_not_analysed_again(tool: Tool, tmp_path: Path, kept: Path, asked: list[str]) -> None:
    (tmp_path / "home" / "work.py").write_text(WRONG)
    first, second = codes(tool), codes(tool)
    assert first == second == ["RS201"] and asked == ["check"]
    assert codes(tool, "--select", "RS1") == [] and asked == ["check"]  # rules are chosen after it
    assert codes(tool, "--no-cache") == ["RS201"] and asked == ["check", "check"]


@pytest.mark.parametrize("seed", range(2))
def test_edits_are_always_seen(tool: Tool, tmp_path: Path, kept: Path, seed: int) -> None:
    """Files change, come, go and change places, with the times of the files as they were."""
    dice = random.Random(seed)
    root = tmp_path / "home"
    names = ["work.py", "other.py", "more/work.py"]
    (root / "more").mkdir()
    (root / "pyproject.toml").write_text("")
    for text, wanted in ((WRONG, ["RS201"]), (RIGHT, []), (WRONG, ["RS201"])):
        (root / "work.py").write_text(text)
        os.utime(root / "work.py", (1, 1))
        assert codes(tool) == wanted
    for _ in range(8):
        path = root / dice.choice(names)
        match dice.randrange(4):
            case 0:
                path.unlink(missing_ok=True)
            case 1:
                path.write_text(WRONG)
            case 2:
                path.write_text(RIGHT)
            case _:
                (root / "pyproject.toml").write_text(
                    dice.choice(["", "[tool.resonate-scaffold]\nignore = ['RS201']\n"])
                )
        if path.exists():
            os.utime(path, (1, 1))
        assert codes(tool) == codes(tool, "--no-cache")
        assert tool("graph").out == tool("graph", "--no-cache").out


def test_what_is_damaged_or_anothers_does_not_count(tool: Tool, tmp_path: Path, kept: Path, asked: list[str]) -> None:
    (tmp_path / "home" / "work.py").write_text(WRONG)
    assert codes(tool) == ["RS201"]
    [path] = kept.iterdir()
    whole = path.read_bytes()
    for content in (
        b"",
        whole[:-3],
        b"{}",
        b"[]",
        whole.replace(b"RS201", b"RS20"),
        whole.replace(b'"line":10', b'"line":"x"'),
    ):
        path.write_bytes(content)
        codes(tool)
    path.write_bytes(whole)
    path.chmod(0o644)  # others could have written it
    asked.clear()
    assert codes(tool) == ["RS201"] and asked == ["check"]


def test_another_version_of_the_tool_answers_anew(
    tool: Tool, tmp_path: Path, kept: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home" / "work.py").write_text(WRONG)
    codes(tool)
    monkeypatch.setattr(cache, "__version__", "99")
    codes(tool)
    assert len(asked) == 2


def test_where_nothing_can_be_kept(tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home" / "work.py").write_text(WRONG)
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert codes(tool) == ["RS201"]


def test_the_project_stays_as_it_is(tool: Tool, tmp_path: Path, kept: Path) -> None:
    (tmp_path / "home" / "work.py").write_text(WRONG)
    tool("check")
    tool("graph")
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["work.py"]
    assert {path.stat().st_mode & 0o777 for path in kept.iterdir()} == {0o600}


def test_old_answers_go(kept: Path, tmp_path: Path) -> None:
    kept.mkdir(parents=True)
    (kept / "old.json").touch()
    os.utime(kept / "old.json", (1, 1))
    files = {PurePosixPath("a.py"): b""}
    found = [Finding(PurePosixPath("a.py"), 1, 1, "RS000", "m", "h")]
    assert cache.remembered(tmp_path, "x", files, list[Finding], lambda: found) == found
    assert cache.remembered(tmp_path, "x", files, list[Finding], list) == found
    assert len(list(kept.iterdir())) == 1
