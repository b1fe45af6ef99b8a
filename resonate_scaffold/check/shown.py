"""Findings as people read them: with their source, counted, and old API in one line."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from resonate_scaffold.check.findings import RULES
from resonate_scaffold.errors import plain

_STALE = "RS5"
_MOST_STALE = 5  # more of them are one fact: all of it was written for another release

Found = Mapping[str, Any]


@dataclass(slots=True)
class Shown:
    """What was found in how many files, of which some have to do with Resonate and were analysed."""

    findings: list[dict[str, Any]] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    files: int = 0
    analysed: int = 0

    def add(self, found: dict[str, Any], source: str) -> None:
        """Add a finding, and the line that it is about."""
        self.findings.append(found)
        self.sources.append(source)

    def without_stale(self) -> tuple[list[tuple[Found, str]], str | None]:
        """What is shown one by one; and a line for the uses of an older SDK, where there are many."""
        pairs: list[tuple[Found, str]] = list(zip(self.findings, self.sources, strict=True))
        stale = [it for it in self.findings if it["code"].startswith(_STALE)]
        if len(stale) <= _MOST_STALE:
            return pairs, None
        files = len({it["path"] for it in stale})
        line = (
            f"written for an older SDK: {len(stale)} uses of what resonate-sdk 0.8 does not have, in "
            f"{_number(files, 'file')} ({_by_rule(stale)})"
        )
        return [(it, source) for it, source in pairs if not it["code"].startswith(_STALE)], line

    def total(self) -> str:
        """How many mistakes there are, and in how many files."""
        files = _number(self.files, "file")
        if self.analysed != self.files:
            files += f" ({self.analysed:,} with Resonate)"
        if not self.findings:
            return f"{files} checked: nothing found"
        return f"{_number(len(self.findings), 'mistake')} in {files}: {_by_rule(self.findings)}"

    def statistics(self) -> list[str]:
        """A line for each rule that found something, the most frequent first."""
        counts = Counter(it["code"] for it in self.findings)
        mended = Counter(it["code"] for it in self.findings if it["mend"] is not None)
        wide = len(str(max(counts.values(), default=0)))
        return [
            f"{number:>{wide}}  {code}  {RULES[code].name}" + (f"  ({mended[code]} with --fix)" if mended[code] else "")
            for code, number in sorted(counts.items(), key=lambda it: (-it[1], it[0]))
        ]

    def hints(self) -> Iterator[str]:
        """What can be asked next."""
        if self.findings:
            yield f"What goes wrong, and what to write instead: --explain {self.findings[0]['code']}"
        mended = sum(it["mend"] is not None for it in self.findings)
        if mended:
            yield f"{mended} can be mended with --fix"


def excerpt(found: Found, source: str) -> list[str]:
    """The line of a finding, with a mark below what is meant; of one that is about a whole file there is none."""
    body = source.strip()
    if not body or found["end_line"] is None:
        return []
    indent = len(source) - len(source.lstrip())
    start = max(found["column"] - 1 - indent, 0)
    end = found["end_column"] - 1 - indent if found["end_line"] == found["line"] else len(body)
    before = "".join(" " * _cells(char) for char in body[:start].expandtabs(4))
    mark = "^" * max(sum(map(_cells, body[start:end])), 1)
    return [plain(body.expandtabs(4)), f"{before}{mark}"]


def _cells(char: str) -> int:
    return 0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _by_rule(found: list[dict[str, Any]]) -> str:
    return ", ".join(f"{code} {number}" for code, number in sorted(Counter(it["code"] for it in found).items()))


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
