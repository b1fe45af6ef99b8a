"""Plans are values: what they refuse, and how they read as a diff."""

from __future__ import annotations

from pathlib import PurePosixPath as P

import pytest

from resonate_scaffold.errors import PlanConflict
from resonate_scaffold.plan import Create, Delete, Edit, Plan, unified_diff


def diff(*changes: Create | Edit | Delete) -> list[str]:
    return list(unified_diff(Plan(changes)))


@pytest.mark.parametrize("path", ["/etc/x", "../x", "a/../../x", "", ".git/config", "a/.GIT/x", "c:x", "a\\b", "a\0"])
def test_stays_inside_the_project(path: str) -> None:
    with pytest.raises(PlanConflict):
        Plan((Create(P(path), b""),))


@pytest.mark.parametrize(("first", "second"), [("a", "a"), ("README.md", "readme.md"), ("a", "a/b"), ("A/b", "a")])
def test_paths_exclude_each_other(first: str, second: str) -> None:
    with pytest.raises(PlanConflict):
        Plan((Create(P(first), b""), Create(P(second), b"")))


def test_paths_that_only_look_alike_do_not() -> None:
    assert len(Plan((Create(P("a/b"), b""), Create(P("ab"), b""), Create(P(".gitignore"), b""))).changes) == 3


def test_diff_of_each_change() -> None:
    assert diff(
        Create(P("new"), b"x\n"), Edit(P("old"), b"a\nb\n", b"a\nc\n"), Delete(P("gone"), b"y\n")
    ) == [
        "--- /dev/null", "+++ b/new", "@@ -0,0 +1 @@", "+x",
        "--- a/old", "+++ b/old", "@@ -1,2 +1,2 @@", " a", "-b", "+c",
        "--- a/gone", "+++ /dev/null", "@@ -1 +0,0 @@", "-y",
    ]  # fmt: skip


def test_diff_says_where_the_last_line_does_not_end() -> None:
    assert diff(Edit(P("f"), b"a", b"a\n"))[3:] == ["-a", "\\ No newline at end of file", "+a"]


def test_diff_shows_a_change_of_line_ends_only() -> None:
    assert diff(Edit(P("f"), b"a\r\n", b"a\n"))[3:] == ["-a\r", "+a"]


def test_diff_does_not_print_what_is_not_text() -> None:
    assert diff(Edit(P("f"), b"\xff\xfe", b"\xff")) == ["Binary files a/f and b/f differ"]


def test_diff_does_not_show_a_secret() -> None:
    assert not any("s3cret" in line for line in diff(Create(P(".env"), b"KEY=s3cret\n", private=True)))
