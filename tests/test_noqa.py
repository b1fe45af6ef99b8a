"""`# noqa`: where it counts, what it may not do, and how it is added and taken out."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from resonate_scaffold.check import check, noqa
from resonate_scaffold.check.mends import mended

from .conftest import Tool

WORKFLOW = (
    "import time\nfrom resonate.context import Context\n\n\n"
    "async def note(ctx: Context, *parts: object) -> None: ...\n\n\n"
    "async def work(ctx: Context) -> float:\n    await ctx.run(note)\n"
)
CLOCK = WORKFLOW + "    return time.time()"


def codes(text: str) -> list[tuple[int, str]]:
    """What is found, by line and rule, but for what a file alone always has."""
    return [(it.line, it.code) for it in check({PurePosixPath("main.py"): text.encode()})]


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa",
        "#noqa",
        "# NOQA: RS201",
        "# noqa: E501, RS201",
        "# noqa:RS202,RS201",
        "# a # noqa: rs201",
        "# noqa RS201",
    ],
)
def test_it_suppresses_a_finding_of_its_line(comment: str) -> None:
    assert (10, "RS201") in codes(CLOCK)
    assert (10, "RS201") not in codes(f"{CLOCK}  {comment}")


@pytest.mark.parametrize(
    "comment", ["# noqa: RS2O1", "# noqa: RS9", "# noqa: clock", "# noqa: E501", "# noqa:", "# noqat", "# why: noqa"]
)
def test_a_misspelt_code_is_no_blanket(comment: str) -> None:
    assert (10, "RS201") in codes(f"{CLOCK}  {comment}")


@pytest.mark.parametrize(
    ("comment", "message", "hint"),
    [
        ("# noqa: RS2O1", "there is no rule RS2O1", "Did you mean RS201?"),
        ("# noqa: clock", "there is no rule clock", "Did you mean RS201?"),
        ("# noqa: RS204", "RS204 finds nothing here", "Remove RS204 from it."),
    ],
)
def test_one_that_suppresses_nothing_is_told(comment: str, message: str, hint: str) -> None:
    [found] = [it for it in check({PurePosixPath("main.py"): f"{CLOCK}  {comment}".encode()}) if it.code == "RS001"]
    assert message in found.message and found.hint == hint
    assert found.line == 10 and found.column == len("    return time.time()  # noqa: ") + 1


@pytest.mark.parametrize("comment", ["# noqa: E501", "# noqa: B006, SIM101", "# noqa", "# noqa: RS204, RS001"])
def test_of_other_tools_nothing_is_told(comment: str) -> None:
    assert "RS001" not in {code for _, code in codes(f"x = 1  {comment}\n{CLOCK}")}


@pytest.mark.parametrize(
    "statement",
    [
        "    return max(\n        1.0,\n        time.time(),\n    )  # noqa: RS201",
        "    return time.time() + len('''\n    text\n    ''')  # noqa: RS201",
        "    return max(time.time(), len('''\n    text\n    '''),  # noqa: RS201\n        2)",
        "    return max(time.time(), len(f'''\n    {ctx}\n    '''),  # noqa: RS201\n        2)",
        "    return 1 + \\\n        time.time() + \\\n        2  # noqa: RS201",
    ],
)
def test_at_the_end_of_a_statement_or_of_a_long_text(statement: str) -> None:
    without = statement.replace("  # noqa: RS201", "")
    assert "RS201" in {code for _, code in codes(f"{WORKFLOW}{without}\n")}
    assert {"RS201", "RS001"}.isdisjoint(code for _, code in codes(f"{WORKFLOW}{statement}\n"))


def test_on_another_line_of_a_statement_it_counts_for_that_line_only() -> None:
    found = codes(f"{WORKFLOW}    return max(  # noqa: RS201\n        time.time(), 1)\n")
    assert {(11, "RS201"), (10, "RS001")} <= set(found)


def test_in_a_text_it_is_no_comment() -> None:
    assert "RS201" in {code for _, code in codes(f"{WORKFLOW}    return time.time() if '# noqa' else 1\n")}


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ("x = 1  # noqa: RS204", "x = 1"),
        ("x = 1  # noqa: RS204 for a reason", "x = 1"),
        ("x = 1  # noqa: RS204  # type: ignore", "x = 1  # type: ignore"),
        ("x = 1  # type: ignore  # noqa: RS204", "x = 1  # type: ignore"),
        ("x = 1  # noqa: E501, RS204", "x = 1  # noqa: E501"),
        ("x = 1  # noqa: RS204, E501", "x = 1  # noqa: E501"),
        ("größe = 'ä'  # noqa: RS204", "größe = 'ä'"),
    ],
)
def test_what_suppresses_nothing_is_taken_out(line: str, after: str) -> None:
    content = f"{CLOCK}\n\n\n{line}\n".encode()
    mends = [it.mend for it in check({PurePosixPath("main.py"): content}) if it.mend is not None]
    assert mended(content, mends) == f"{CLOCK}\n\n\n{after}\n".encode()


@pytest.mark.parametrize(
    ("text", "line", "after"),
    [
        ("x = 1\n", 1, "x = 1  # noqa: RS201\n"),
        ("x = 1\r\ny = 2\r\n", 1, "x = 1  # noqa: RS201\r\ny = 2\r\n"),
        ("x = 1  # here", 1, "x = 1  # here  # noqa: RS201"),
        ("x = 1  # noqa: E501 why", 1, "x = 1  # noqa: E501, RS201 why"),
        ("x = '''\na\n'''\n", 1, "x = '''\na\n'''  # noqa: RS201\n"),
        ("x = 1 + \\\n  2\n", 1, "x = 1 + \\\n  2  # noqa: RS201\n"),
        ("\ufeffx = 1\n", 1, "\ufeffx = 1  # noqa: RS201\n"),
    ],
)
def test_comments_are_added_where_they_count(text: str, line: int, after: str) -> None:
    assert noqa.added(text.encode(), {line: ["RS201"]}).decode() == after
    [comment] = noqa.read(after.encode())
    assert comment.first <= line <= comment.last


def test_an_old_project_starts_clean(tool: Tool, tmp_path: Path) -> None:
    project = tmp_path / "old"
    project.mkdir()
    (project / "main.py").write_text(f"{CLOCK} + len('''\n'''), time.time_ns()\n")
    (project / "broken.py").write_text("from resonate.context import Context\ndef (\n")
    before = {path.name: path.read_bytes() for path in project.iterdir()}
    preview = tool("check", str(project), "--add-noqa", "--dry-run")
    assert "+''')" in preview.out and "# noqa: RS" in preview.out
    assert {path.name: path.read_bytes() for path in project.iterdir()} == before
    done = tool("check", str(project), "--add-noqa")
    assert "edit" in done.out and done.status == 1
    assert "RS000" in done.out and "RS201" not in done.out
    (project / "broken.py").unlink()
    again = tool("check", str(project))
    assert (again.status, again.err) == (0, "")


def test_what_is_mended_stays_mended(tool: Tool, tmp_path: Path) -> None:
    project = tmp_path / "old"
    project.mkdir()
    (project / "main.py").write_text(f"{CLOCK}  # noqa: RS201, RS204\n")
    assert "can be mended with --fix" in tool("check", str(project)).out
    done = tool("check", str(project), "--fix", "--format", "json")
    assert done.json["changes"] == [{"path": str(project / "main.py"), "action": "edit"}]
    assert (project / "main.py").read_text() == f"{CLOCK}  # noqa: RS201\n"
    assert tool("check", str(project), "--fix", "--format", "json").json["changes"] == []
