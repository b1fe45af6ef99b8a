"""`check` as people and programs read it: source lines, columns, counts, SARIF, many uses of an older SDK."""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from sarif_pydantic import Sarif

from resonate_scaffold import __version__
from resonate_scaffold.check import check
from resonate_scaffold.check.findings import RULES, page_of

from . import corpus
from .conftest import Tool

HEAD = (
    "import time\n\nfrom resonate.context import Context\n\n\n"
    "async def note(ctx: Context, at: float) -> None: ...\n\n\n"
)
WORK = HEAD + "async def work(ctx: Context) -> None:\n"
OLD = "".join(f"async def f{number}(ctx: Context) -> None:\n    await ctx.lfc(note, 1.0)\n\n\n" for number in range(4))


def found(text: str) -> list[dict[str, Any]]:
    places = check({PurePosixPath("main.py"): text.encode()})
    return [{"line": it.line, "column": it.column, "end": (it.end_line, it.end_column)} for it in places]


@pytest.mark.parametrize(
    ("line", "column", "end"),
    [
        ("    await ctx.run(note, time.time())", 25, 36),
        ("    größe = 'ä€'; await ctx.run(note, time.time())", 39, 50),
        ("    x = '\U0001f600日本'; await ctx.run(note, time.time())", 36, 47),
    ],
)
def test_columns_are_characters(line: str, column: int, end: int) -> None:
    assert found(f"{WORK}{line}\n") == [{"line": 10, "column": column, "end": (10, end)}]
    assert line[column - 1 : end - 1] == "time.time()"


def test_columns_in_another_encoding() -> None:
    text = f"# coding: latin-1\n{WORK}    größe = 1; await ctx.run(note, time.time())\n"
    [one] = check({PurePosixPath("main.py"): text.encode("latin-1")})
    assert (one.line, one.column, one.end_column) == (11, 36, 47)


def test_the_end_of_a_place_on_another_line() -> None:
    assert found(f"{WORK}    await ctx.run(note, time.time(\n    ))\n") == [{"line": 10, "column": 25, "end": (11, 6)}]


@pytest.mark.parametrize(
    ("line", "source", "mark"),
    [
        ("    await ctx.run(note, time.time())", "await ctx.run(note, time.time())", " " * 20 + "^" * 11),
        (
            "    x = '日本'; await ctx.run(note, time.time())",
            "x = '日本'; await ctx.run(note, time.time())",
            " " * 32 + "^" * 11,
        ),
        ("    await ctx.run(note, time.time(\n    ))", "await ctx.run(note, time.time(", " " * 20 + "^" * 10),
    ],
)
def test_the_source_is_shown(tool: Tool, tmp_path: Path, line: str, source: str, mark: str) -> None:
    (tmp_path / "home" / "main.py").write_text(f"{WORK}{line}\n")
    assert tool("check").out.splitlines()[1:3] == [f"    | {source}", f"    | {mark}"]


def test_what_would_steer_a_terminal_is_not_printed(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "home" / "main.py").write_text(f"{WORK}    await ctx.run(note, time.time())  # \x1b[31m\n")
    assert "\x1b" not in tool("check").out


def test_statistics(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "home" / "main.py").write_text(
        f"{WORK}    await ctx.run(note, time.time())\n    await ctx.run(note, time.time())  # noqa: RS202\n"
    )
    ran = tool("check", "--statistics")
    assert ran.status == 1
    assert ran.out.splitlines() == [
        "2  RS201  clock",
        "1  RS001  unused-noqa  (1 with --fix)",
        "3 mistakes in 1 file: RS001 1, RS201 2",
    ]


def test_many_uses_of_an_older_sdk_are_one_line(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "home" / "main.py").write_text(HEAD + OLD)
    assert tool("check").out.count("RS503 [stale-context]") == 4  # few are told one by one
    (tmp_path / "home" / "main.py").write_text(HEAD + OLD + OLD)
    (tmp_path / "home" / "more.py").write_text(f"{WORK}    await ctx.run(note, time.time())\n")
    ran = tool("check")
    first, second, third, *_ = ran.out.splitlines()
    assert ran.status == 1
    assert first == "written for an older SDK: 8 uses of what resonate-sdk 0.8 does not have, in 1 file (RS503 8)"
    assert second.endswith("--select RS5") and third.startswith("more.py:10:25: RS201")
    assert "[stale-context]" not in ran.out and "9 mistakes in 2 files" in ran.out
    assert tool("check", "--select", "RS5").out.count("[stale-context]") == 8
    assert len(tool("check", "--format", "json").json["findings"]) == 9
    assert len(tool("check", "--format", "github").out.splitlines()) == 2


def wrong() -> dict[str, str]:
    """Every wrong program of the corpus: there is a finding of every rule in them."""
    programs = [it for it in corpus.programs() if it.is_wrong]
    return {f"{it.rule}/{it.path.stem}/{name}": text for it in programs for name, text in it.files.items()}


def test_sarif(tool: Tool, tmp_path: Path) -> None:
    home = tmp_path / "home" / "größe und mehr"
    for name, text in wrong().items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    (home / "pyproject.toml").write_text("")
    ran = tool("check", home.name, "--format", "sarif", "--select", "ALL")
    assert ran.status == 1 and ran.err == ""
    log = json.loads(ran.out)
    Sarif.model_validate(log, strict=False)
    assert (log["version"], log["$schema"].rpartition("/")[2]) == ("2.1.0", "sarif-2.1.0.json")
    [run] = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["version"] == __version__ and run["columnKind"] == "unicodeCodePoints"
    assert len(driver["rules"]) > 0.8 * len(RULES)
    findings = tool("check", home.name, "--format", "json", "--select", "ALL").json["findings"]
    assert len(run["results"]) == len(findings)
    for result, it in zip(run["results"], findings, strict=True):
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == it["code"]
        assert result["message"]["text"] == f"{it['message']}\n{it['hint']}"
        [place] = (location["physicalLocation"] for location in result["locations"])
        assert re.fullmatch(r"gr%C3%B6%C3%9Fe%20und%20mehr/[\w./%-]+", place["artifactLocation"]["uri"])
        assert (place["region"]["startLine"], place["region"]["startColumn"]) == (it["line"], it["column"])
        if it["end_line"]:
            assert (it["line"], it["column"]) < (it["end_line"], it["end_column"])
            assert (place["region"]["endLine"], place["region"]["endColumn"]) == (it["end_line"], it["end_column"])
        assert ("fixes" in result) == (it["mend"] is not None)


def test_every_finding_of_a_node_has_an_end() -> None:
    """All but those of a whole file, or of what is not Python."""
    files = {PurePosixPath(name): text.encode() for name, text in wrong().items()}
    without = {it.code for it in check(files, select=("ALL",)) if it.end_line is None}
    assert without <= {"RS000", "RS113", "RS601", "RS602"}


def test_the_link_of_a_finding_is_its_page(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "home" / "main.py").write_text(f"{WORK}    await ctx.run(note, time.time())\n")
    [one] = tool("check", "--format", "json").json["findings"]
    assert one["url"] == page_of("RS201").as_uri() and page_of("RS201").is_file()
