"""CHANGELOG.md as values: what an upgrade prints."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import pytest

from resonate_scaffold import __version__
from resonate_scaffold.upgrade.changes import Entry, entries_between, read
from tests.past_service import Files, old, upgraded

TEXT = """# Changelog

Words.

## 0.10.0

### What to know

- One thing, which
  takes two lines.
- Another.

### What to do by hand

### New settings

- `A`: b.

## 0.2.0

### What to know

- Older.

### What to do by hand

- This.

### New settings
"""


def test_an_entry_is_three_lists() -> None:
    assert list(read(TEXT)) == [
        Entry("0.10.0", ("One thing, which takes two lines.", "Another."), (), ("`A`: b.",)),
        Entry("0.2.0", ("Older.",), ("This.",), ()),
    ]


@pytest.mark.parametrize(
    ("was", "is_now", "problem"),
    [
        ("### New settings", "### Settings", "has the sections"),
        ("### What to do by hand\n\n- This.\n\n", "", "has the sections"),
        ("- This.", "This.", "no item of a list"),
    ],
)
def test_another_form_is_refused(was: str, is_now: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        list(read(TEXT.replace(was, is_now)))


def test_this_version_has_an_entry() -> None:
    [entry] = entries_between("0.1.0", __version__)
    assert entry.version == __version__
    assert any("NAMESPACE" in item for item in entry.settings) and entry.to_know and entry.by_hand
    assert entries_between(__version__, __version__) == []


def test_every_new_setting_is_in_the_entry() -> None:
    """Those of a service of today that one of 0.1.0 did not have."""

    def settings(files: Files) -> set[str]:
        return set(re.findall(r"(?m)^(?:# )?([A-Z_]+)=", files[PurePosixPath(".env.example")].decode()))

    new = settings(upgraded("shop")[0]) - settings(old("shop"))
    [entry] = entries_between("0.1.0", "0.2.0")
    told = " ".join((*entry.settings, *entry.by_hand))
    assert new >= {"NAMESPACE", "SERVICE_DB_PASSWORD"}
    assert {name for name in new if f"`{name}`" not in told} == set()
