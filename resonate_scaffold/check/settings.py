"""The settings of `check`: which rules are on, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resonate_scaffold.check.findings import RULES
from resonate_scaffold.code.files import TABLE, Patterns, texts
from resonate_scaffold.errors import UsageError


@dataclass(frozen=True, slots=True)
class Settings:
    """Which rules are on, and where. Rules are codes or beginnings of codes (``RS2``), or ``ALL``."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_file: tuple[tuple[Patterns, tuple[str, ...]], ...] = ()
    """Patterns of paths, with what is ignored in them."""

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Settings:
        """Read a project's table of settings.

        Raises:
            UsageError: they are not as they should be.
        """
        per_file = table.get("per-file-ignores", {})
        if not isinstance(per_file, dict):
            raise UsageError(f"per-file-ignores of [tool.{TABLE}] is no table", 'For example: "scripts/*" = ["RS204"]')
        return cls(
            rules(texts(table, "select"), "select"),
            rules(texts(table, "ignore"), "ignore"),
            tuple(
                (Patterns.of([pattern], "per-file-ignores"), rules(texts(per_file, pattern), pattern))
                for pattern in per_file
            ),
        )


def rules(given: Sequence[str], where: str) -> tuple[str, ...]:
    """Rules as somebody wrote them, by code, beginning of a code, or name; as codes.

    Raises:
        UsageError: there is no such rule.
    """
    names = {rule.name: rule.code for rule in RULES.values()}
    found: list[str] = []
    for text in (part.strip() for item in given for part in item.split(",")):
        code = names.get(text.lower(), text.upper())
        if not text or (code != "ALL" and not any(known.startswith(code) for known in RULES)):
            close = _close(text, [*RULES, *names])
            raise UsageError(f"{where}: there is no rule {text!r}", close or "They are listed in docs/check.md.")
        found.append(code)
    return tuple(found)


def _close(text: str, known: Sequence[str]) -> str | None:
    import difflib

    close = difflib.get_close_matches(text, known, 1)
    return f"Did you mean {close[0]}?" if close else None
