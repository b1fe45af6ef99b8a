"""What each version changed for owners of services: CHANGELOG.md, read.

Its form is simple: `## VERSION`, below it three sections, below those a list. ::

    ## 0.2.0

    ### What to know

    - One thing, which may take
      several lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from resonate_scaffold.upgrade.moves import as_numbers

_SECTIONS = ("What to know", "What to do by hand", "New settings")


@dataclass(frozen=True, slots=True)
class Entry:
    """What one version changed, in words."""

    version: str
    to_know: tuple[str, ...]
    by_hand: tuple[str, ...]
    settings: tuple[str, ...]


def entries_between(old: str, new: str) -> list[Entry]:
    """The entries of the versions after *old*, up to *new*, the oldest first."""
    after, until = as_numbers(old), as_numbers(new)
    found = [entry for entry in read(_file().read_text("utf-8")) if after < as_numbers(entry.version) <= until]
    return sorted(found, key=lambda entry: as_numbers(entry.version))


def read(text: str) -> Iterator[Entry]:
    """The entries of a changelog, in its order.

    Raises:
        ValueError: it has another form.
    """
    for part in text.split("\n## ")[1:]:
        version, _, rest = part.partition("\n")
        sections: dict[str, tuple[str, ...]] = {}
        for section in rest.split("\n### ")[1:]:
            title, _, lines = section.partition("\n")
            sections[title.strip()] = tuple(_items(lines))
        if tuple(sections) != _SECTIONS:
            raise ValueError(
                f"version {version.strip()} has the sections {', '.join(sections)}, not {', '.join(_SECTIONS)}"
            )
        yield Entry(version.strip(), *sections.values())


def _items(text: str) -> Iterator[str]:
    """The items of a list, each on one line."""
    head, *items = f"\n{text}".split("\n- ")
    if head.strip():
        raise ValueError(f"no item of a list: {head.strip()!r}")
    for item in items:
        yield " ".join(item.split())


def _file() -> Path:
    """The changelog: in the package, or at the top of the repository that the package is run from."""
    packaged = Path(__file__).parent.parent / "CHANGELOG.md"
    return packaged if packaged.is_file() else packaged.parent.parent / "CHANGELOG.md"
