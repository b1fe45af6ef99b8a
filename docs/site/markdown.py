"""Pieces of Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_BLOCK = re.compile(r"(^```.*?^```$|^ +```.*?^ +```$)", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(``.+?``|`[^`\n]+`)", re.DOTALL)
_ROLE = re.compile(r":\w+:`~?\.?([^`]+)`")


def outside_blocks(text: str, change: Callable[[str], str]) -> str:
    """*text*, changed where it is no block of code."""
    return "".join(part if place % 2 else change(part) for place, part in enumerate(_BLOCK.split(text)))


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """*text*, changed where it is neither a block of code nor code in a line."""

    def in_lines(part: str) -> str:
        return "".join(it if place % 2 else change(it) for place, it in enumerate(_CODE.split(part)))

    return outside_blocks(text, in_lines)


def toctree(caption: str, entries: Iterable[str], *, hidden: bool = False) -> str:
    """A table of contents for Sphinx."""
    options = [*([f":caption: {caption}"] if caption else []), *([":hidden:"] if hidden else []), ":maxdepth: 2"]
    return "\n".join(["", "```{toctree}", *options, "", *entries, "```", ""])


def prose(text: str) -> str:
    """A docstring's text as Markdown: roles of Sphinx become code, what looks like HTML stays as it is read."""
    text = _ROLE.sub(lambda match: f"`{match[1].rpartition('.')[2]}`", text)
    text = re.sub(r"::$", ":", text, flags=re.MULTILINE)
    return outside_code(text, lambda part: part.replace("<", "&lt;"))


def cell(text: str) -> str:
    """Text in a table."""
    return " ".join(text.split()).replace("|", r"\|")


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; every cell is Markdown."""
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *([cell(it) for it in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
