"""Statements that are taken out of a module, and the space between them."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Self

from resonate_scaffold.edit.names import ImportStatement, Names
from resonate_scaffold.edit.text import COOKIE, NEWLINE, Cut, Row
from resonate_scaffold.errors import CannotEdit

_TYPING_CALLS = frozenset({"cast", "TypeVar", "NewType", "ForwardRef", "append", "extend"})


class Statements(Names):
    """A layer of :class:`~resonate_scaffold.edit.source.Source`."""

    def _spacing(self) -> str:
        """What stands between the end of the file and statements that are appended: two blank lines."""
        body = self.content[self._lines[0] :]
        code = body.rstrip()
        if not code:
            return "" if not body or body[-1:] in b"\r\n" else "\n"
        return "\n" * max(3 - len(NEWLINE.findall(body[len(code) :])), 0)

    def _without_statements(self, places: Sequence[int], *, with_comments: bool) -> Self:
        """Take statements out of the module, and the blank lines that parted them from the rest."""
        if not places:
            return self
        rows = self._rows
        cuts: list[Cut] = []
        run: list[Row] = []
        for number, row in enumerate(rows):
            inside = [place for place in places if row.first <= place <= row.last]
            if len(inside) != row.last - row.first + 1:
                cuts += self._unchained(row, inside)
                continue
            run.append(row)
            further = rows[number + 1] if number + 1 < len(rows) else None
            if further and set(range(further.first, further.last + 1)) <= set(places):
                comments = [line for line in self._between(self._row_end(row), further.start) if self._is_comment(line)]
                if not comments:
                    continue
            previous = rows[rows.index(run[0]) - 1] if run[0] is not rows[0] else None
            cuts.append(self._cut_rows(previous, run[0].start, self._row_end(run[-1]), further, with_comments))
            run = []

        def refused(reason: str) -> CannotEdit:
            lines = ", ".join(str(self.tree.body[place].lineno) for place in places)
            return CannotEdit(
                f"{self.path}: {reason}", f"Take out of {self.path} yourself what stands in line {lines}."
            )

        after = self._edited(cuts, refused)
        kept = [statement for place, statement in enumerate(self.tree.body) if place not in set(places)]
        if self._prints(kept) != after._prints(after.tree.body):
            raise refused("it cannot be edited safely")
        return after

    def _unchained(self, row: Row, gone: Sequence[int]) -> list[Cut]:
        """The cuts that take some of the statements of one line away."""
        spans = {place: self._span(self.tree.body[place]) for place in range(row.first, row.last + 1)}
        kept = [place for place in spans if place not in gone]
        return [
            (spans[place][0], spans[place + 1][0], "")
            if place < kept[-1]
            else (spans[place - 1][1], spans[place][1], "")
            for place in gone
        ]

    def _cut_rows(self, previous: Row | None, start: int, end: int, following: Row | None, with_comments: bool) -> Cut:
        """The cut that takes rows away, and of the blank lines above and below them the fewer."""
        above = self._between(self._row_end(previous) if previous else self._lines[0] - 1, self._line(start)[0])
        below = self._between(end, following.start if following else len(self.content))
        while with_comments and above and self._is_comment(above[-1]) and not self._is_header(above[-1]):
            start = above.pop()[0]
        blank_above, blank_below = count_back(above, self._is_comment), count_back(below[::-1], self._is_comment)
        begin = self._line(start)[0]
        above_it = above[-blank_above][0] if blank_above else begin
        rest = self._line(following.start)[0] if following else len(self.content)
        next_line = below[0][0] if below else rest
        below_it = below[blank_below][0] if blank_below < len(below) else rest
        if below_it == len(self.content):
            return above_it, below_it, ""
        if previous is None and blank_above == len(above):
            return begin, below_it, ""
        return (above_it, next_line, "") if blank_below >= blank_above else (begin, below_it, "")

    def _is_header(self, line: tuple[int, int]) -> bool:
        """Whether a line speaks to the machine about the whole file."""
        text = self.content[slice(*line)]
        first = line[0] == self._lines[0]
        return (first and text.startswith(b"#!")) or (line[0] in self._lines[:2] and COOKIE.match(text) is not None)


def is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and (isinstance(statement.value.value, str))
    )


def count_back(lines: Sequence[tuple[int, int]], stop: Callable[[tuple[int, int]], bool]) -> int:
    """How many lines at the end are not what *stop* looks for."""
    count = 0
    while count < len(lines) and not stop(lines[-1 - count]):
        count += 1
    return count


def no_imports(statements: Iterable[ast.stmt]) -> list[ast.stmt]:
    return [statement for statement in statements if not isinstance(statement, ImportStatement)]


def used_names(tree: ast.Module) -> set[str]:
    """The names that a module uses, also in annotations written as text and in ``__all__``."""
    names: set[str] = set()
    texts: list[ast.AST] = []
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name):
                names.add(name)
            case ast.arg(annotation=ast.expr() as annotation):
                texts.append(annotation)
            case ast.FunctionDef(returns=ast.expr() as returns) | ast.AsyncFunctionDef(returns=ast.expr() as returns):
                texts.append(returns)
            case ast.AnnAssign(target=target, annotation=annotation, value=value):
                texts.append(annotation)
                alias = ast.unparse(annotation).rpartition(".")[2] == "TypeAlias"
                if value is not None and (alias or _is_all(target)):
                    texts.append(value)
            case ast.Assign(targets=[target], value=value) | ast.AugAssign(target=target, value=value):
                if _is_all(target):
                    texts.append(value)
            case ast.Call(func=ast.Name(id=function) | ast.Attribute(attr=function)) if function in _TYPING_CALLS:
                texts += [*node.args, *node.keywords]
            case ast.Subscript(slice=inside):
                texts.append(inside)
    for text in texts:
        for child in ast.walk(text):
            if isinstance(child, ast.Constant) and isinstance(child.value, str):
                names.update(re.findall(r"[^\W\d]\w*", child.value))
    return names


def _is_all(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) and target.id == "__all__"
