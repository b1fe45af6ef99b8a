"""The text of one Python file: where its lines, statements and items are, and how spans of it are replaced."""

from __future__ import annotations

import ast
import codecs
import re
import warnings
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePosixPath
from typing import NamedTuple, Self

from resonate_scaffold.errors import BrokenSource, CannotEdit

INDENT = "    "
_MEND = "Mend it, then run this again."
_LARGEST = 4 << 20  # a syntax tree takes a hundred times as much memory
NEWLINE = re.compile(rb"\r\n|\r|\n")
COOKIE = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
NOT_CODE = re.compile(rb"[ \t\f]*(?:#[^\r\n]*)?")
CONTINUED = rb"(?:[ \t\f]|\\(?:\r\n|\r|\n))*"
_CHAINED = re.compile(CONTINUED + rb";" + CONTINUED)
_ROW_TAIL = re.compile(rb"(?:[ \t\f;]|\\(?:\r\n|\r|\n))*(?:#[^\r\n]*)?")
LINE_TAIL = re.compile(rb"[ \t\f]*(?:#[^\r\n]*)?(?P<newline>\r\n|\r|\n)")
GAP = re.compile(rb"(?P<comment>#[^\r\n]*)|(?P<newline>\r\n|\r|\n)|(?P<mark>[,()])|(?P<other>[^ \t\f])")
Cut = tuple[int, int, str]
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Row(NamedTuple):
    """Statements on one line, by their places in the module; their first byte, and the one after their last."""

    first: int
    last: int
    source: Text

    @property
    def start(self) -> int:
        return self.source._span(self.source.tree.body[self.first])[0]

    @property
    def stop(self) -> int:
        return self.source._span(self.source.tree.body[self.last])[1]


@dataclass(frozen=True, slots=True)
class Item:
    """One of several things between brackets, its own parentheses included; ``comma`` is where its comma ends."""

    start: int
    end: int
    comma: int | None = None

    @property
    def span(self) -> tuple[int, int]:
        return self.start, self.end


@dataclass(frozen=True)
class Text:
    """The first layer of :class:`~resonate_scaffold.edit.source.Source`."""

    path: PurePosixPath
    content: bytes
    package: str

    @classmethod
    def parse(cls, path: PurePosixPath, content: bytes, package: str) -> Self:
        """Read a file.

        Raises:
            BrokenSource: it is not Python, or not UTF-8.
        """
        source = cls(path, content, package)
        _ = source.tree
        return source

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of the file."""
        if len(self.content) > _LARGEST:
            size = len(self.content) >> 20
            raise BrokenSource(f"{self.path} has {size} MB, too much to be read", "Take the data out of it.")
        _check_text(self.path, self.content, self._first)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about the owner's code, and not for who adds to it
                return ast.parse(self.content[self._first :])
        except SyntaxError as error:
            raise BrokenSource(f"{self.path}{_at(error.lineno)}: {error.msg}", _MEND) from error
        except (RecursionError, MemoryError) as error:
            raise BrokenSource(f"{self.path}: it is nested too deeply to be read", _MEND) from error
        except ValueError as error:
            raise BrokenSource(f"{self.path}: {error}", _MEND) from error

    @property
    def _first(self) -> int:
        """Where the text begins: behind a byte order mark."""
        return len(codecs.BOM_UTF8) if self.content.startswith(codecs.BOM_UTF8) else 0

    @cached_property
    def _lines(self) -> tuple[int, ...]:
        """Where each line begins."""
        return (self._first, *(match.end() for match in NEWLINE.finditer(self.content, self._first)))

    def _span(self, node: ast.stmt | ast.expr | ast.alias) -> tuple[int, int]:
        lines = self._lines
        start, end = lines[node.lineno - 1] + node.col_offset, lines[node.end_lineno - 1] + node.end_col_offset  # type: ignore[operator]
        if isinstance(node, Definition) and node.decorator_list:
            start = self.content.rindex(b"@", 0, self._span(node.decorator_list[0])[0])
        return start, end

    def _line(self, offset: int) -> tuple[int, int]:
        """The line that holds an offset, without its end."""
        start = self._lines[max(bisect_right(self._lines, offset) - 1, 0)]
        match = NEWLINE.search(self.content, start)
        return start, match.start() if match else len(self.content)

    def _own_line(self, offset: int) -> bool:
        """Whether only white space stands before it on its line."""
        return not self.content[self._line(offset)[0] : offset].strip(b" \t\f")

    def _indent(self, offset: int) -> str:
        line = self.content[slice(*self._line(offset))]
        return line[: len(line) - len(line.lstrip(b" \t\f"))].decode()

    @property
    def _newline(self) -> str:
        match = NEWLINE.search(self.content)
        return match.group().decode() if match else "\n"

    @cached_property
    def _rows(self) -> list[Row]:
        """The statements of the module, those that share a line together."""
        alone = [Row(place, place, self) for place in range(len(self.tree.body))]
        if b";" not in self.content:
            return alone
        rows: list[Row] = []
        for place, row in enumerate(alone):
            if rows and _CHAINED.fullmatch(self.content, rows[-1].stop, row.start):
                rows[-1] = Row(rows[-1].first, place, self)
            else:
                rows.append(row)
        return rows

    def _row_end(self, row: Row) -> int:
        """Where a row ends, its comment included."""
        match = _ROW_TAIL.match(self.content, row.stop)
        return match.end() if match else row.stop

    def _between(self, after: int, before: int) -> list[tuple[int, int]]:
        """The whole lines (start, end) between two rows: blank ones and comments."""
        number = bisect_right(self._lines, after)
        lines: list[tuple[int, int]] = []
        while number < len(self._lines) and self._lines[number] < before:
            lines.append(self._line(self._lines[number]))
            number += 1
        return lines

    def _is_comment(self, line: tuple[int, int]) -> bool:
        return bool(self.content[slice(*line)].strip())

    def _edited(self, cuts: Iterable[Cut], refused: Callable[[str], CannotEdit]) -> Self:
        """Replace spans, given with ``\\n`` as line end."""
        after = replace(self, content=self._cut(cuts))
        try:
            _ = after.tree
        except BrokenSource as error:
            raise refused("it cannot be edited safely") from error
        return after

    def _cut(self, cuts: Iterable[Cut]) -> bytes:
        """The content with spans replaced; of texts at one place the first comes first."""
        content = self.content
        for start, end, text in reversed(sorted(cuts, key=lambda cut: cut[:2])):
            content = content[:start] + text.replace("\n", self._newline).encode() + content[end:]
        return content

    def _prints(
        self, nodes: Sequence[ast.stmt | ast.expr], skip: Collection[int] = ()
    ) -> list[tuple[type[ast.AST], bytes]]:
        """What tells statements apart: the same kind and the same bytes are the same tree.

        Of those to skip only what stands before their value counts.
        """
        prints: list[tuple[type[ast.AST], bytes]] = []
        for place, node in enumerate(nodes):
            start, end = self._span(node)
            if place in skip and isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                end = self._span(node.value)[0]
            prints.append((type(node), self.content[start:end]))
        return prints

    def _items(self, nodes: Sequence[ast.expr] | Sequence[ast.alias], start: int, end: int) -> tuple[list[Item], bool]:
        """The items between two offsets, and whether a line ends between them."""
        items: list[Item] = []
        broken = False
        spans = [*map(self._span, nodes), (end, end)]
        at = start
        for begin, stop in spans:
            for match in GAP.finditer(self.content, at, begin):
                broken = broken or match["newline"] is not None
                if match["mark"] == b",":
                    items[-1] = replace(items[-1], comma=match.end())
                elif match["mark"] == b")" and items:
                    items[-1] = replace(items[-1], end=match.end())
                elif match["mark"] == b"(":
                    begin = match.start()
                    break
            items.append(Item(begin, stop))
            at = stop
        return items[:-1], broken

    def _removing(self, items: Sequence[Item], place: int, inner: int, close: int) -> list[Cut]:
        """The cuts that take one of the items between two brackets away, with the line that it has for itself."""
        content = self.content
        item = items[place]
        stop = item.comma or item.end
        own_line = self._own_line(item.start)
        line_tail = LINE_TAIL.match(content, stop, close)
        if len(items) == 1:
            cut = (self._line(item.start)[0], line_tail.end()) if own_line and line_tail else (item.start, stop)
            if b"#" not in content[inner : item.start] + content[cut[1] : close]:
                cut = (inner, close)
            return [(*cut, "")]
        previous = items[place - 1] if place else None
        following = items[place + 1] if place + 1 < len(items) else None
        cuts: list[Cut] = []
        if previous and previous.comma and following is None and not item.comma:
            cuts.append((previous.comma - 1, previous.comma, ""))  # the last one had no comma, and so has the next last
        if own_line and line_tail:
            return [*cuts, (self._line(item.start)[0], line_tail.end(), "")]
        if following and not NEWLINE.search(content, stop, following.start):
            return [(item.start, following.start, "")]
        start = item.start
        if previous and b"#" not in content[previous.comma or previous.end : item.start]:
            blank = previous.comma or previous.end
            if following is None or not own_line:
                start = blank
        return [*cuts, (start, stop, "")]


def _check_text(path: PurePosixPath, content: bytes, first: int) -> None:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = len(NEWLINE.findall(content[: error.start])) + 1
        raise BrokenSource(f"{path}, line {line}: not UTF-8", "Save it as UTF-8, then run this again.") from error
    if b"\0" in content:
        line = len(NEWLINE.findall(content[: content.index(b"\0")])) + 1
        raise BrokenSource(f"{path}, line {line}: a NUL byte", _MEND)
    for number, text in enumerate(NEWLINE.split(content[first:], 2)[:2], 1):
        cookie = COOKIE.match(text)
        if cookie:
            encoding = cookie[1].decode()
            try:
                known = codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")
            except LookupError:
                known = False
            if not known:
                raise BrokenSource(
                    f"{path}, line {number}: declared as {encoding}, not UTF-8",
                    "Save it as UTF-8 without that line, then run this again.",
                )
        if cookie or not NOT_CODE.fullmatch(text):
            return


def _at(line: int | None) -> str:
    return "" if line is None else f", line {line}"
