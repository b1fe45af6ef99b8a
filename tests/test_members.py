"""Fields of classes: appended and taken out, in files that people have written."""

from __future__ import annotations

import pytest

from resonate_scaffold.errors import CannotEdit
from tests.test_edit import parse

FIELD = "phone: str | None = None"

APPENDED = {
    "behind the fields": (
        'class New(Base):\n    """It."""\n\n    name: str\n    age: int  # in years\n\n    def f(self): ...\n',
        'class New(Base):\n    """It."""\n\n    name: str\n    age: int  # in years\n'
        f"    {FIELD}\n\n    def f(self): ...\n",
    ),
    "behind a field of several lines": (
        "class New:\n    name: list[\n        str\n    ]\n\nX = 1\n",
        f"class New:\n    name: list[\n        str\n    ]\n    {FIELD}\n\nX = 1\n",
    ),
    "behind a docstring": (
        'class New:\n    """It."""\n',
        f'class New:\n    """It."""\n\n    {FIELD}\n',
    ),
    "behind what is no field": (
        "class New:\n    __table__ = 1\n\n    def f(self): ...\n",
        f"class New:\n    __table__ = 1\n\n    {FIELD}\n\n    def f(self): ...\n",
    ),
    "at the end of the file": ("class New:\n    name: str", f"class New:\n    name: str\n    {FIELD}"),
    "with other line ends": ("class New:\r\n\tname: str\r\n", f"class New:\r\n\tname: str\r\n\t{FIELD}\r\n"),
}

REFUSED = {
    "no class": ("X = 1\n", "there is no class New"),
    "two": ("class New: ...\n\nclass New: ...\n", "New is not just one class"),
    "something else": ("New = 1\n", "New is not just one class"),
    "there": ("class New:\n    phone: str\n", "New has phone already"),
    "one line": ("class New: name: str\n", "class New is written on one line"),
    "two in a line": ("class New:\n    name: str; age: int\n", "class New is written on one line"),
}


@pytest.mark.parametrize("case", APPENDED)
def test_a_field_is_appended_and_taken_out(case: str) -> None:
    before, after = APPENDED[case]
    source = parse(before).append_field("New", FIELD)
    assert source.content.decode() == after
    assert parse(after).remove_field("New", "phone").content.decode().rstrip() == before.rstrip()


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_shows_the_lines(case: str) -> None:
    before, reason = REFUSED[case]
    with pytest.raises(CannotEdit) as refused:
        parse(before).append_field("New", FIELD)
    assert reason in refused.value.message
    assert refused.value.hint.endswith(FIELD)


def test_a_field_goes_with_its_imports() -> None:
    text = (
        "from datetime import date, time\n\n\nclass New:\n    a: int\n    born: date = date(2000, 1, 1)\n    at: time\n"
    )
    after = parse(text).remove_field("New", "born").content.decode()
    assert after == "from datetime import time\n\n\nclass New:\n    a: int\n    at: time\n"


def test_the_only_field_leaves_a_class() -> None:
    assert parse("class New:\n    name: str\n").remove_field("New", "name").content == b"class New:\n    pass\n"


def test_nothing_happens_where_there_is_no_such_field() -> None:
    for text in ("X = 1\n", "class New:\n    name: str\n"):
        assert parse(text).remove_field("New", "phone").content == text.encode()
    with pytest.raises(CannotEdit, match="shares its line"):
        parse("class New:\n    name: str; phone: str\n").remove_field("New", "phone")
