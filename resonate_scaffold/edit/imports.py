"""Imports of one file: found, made, put in order, dropped."""

from __future__ import annotations

import ast
import builtins
import re
import sys
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property
from itertools import groupby, pairwise
from typing import NamedTuple, Self

from resonate_scaffold.edit.names import TESTS, ImportStatement, joined, loaded_names
from resonate_scaffold.edit.statements import Statements, count_back, is_docstring, no_imports, used_names
from resonate_scaffold.edit.text import CONTINUED, INDENT, LINE_TAIL, NOT_CODE, Cut, Definition, Row, width_of
from resonate_scaffold.errors import CannotEdit
from resonate_scaffold.layout import WIDTH

_OPENED = re.compile(rb"\bimport" + CONTINUED + rb"\(")
_ImportKey = tuple[int, int, int, tuple[object, ...], tuple[object, ...], object, object]


class Import(NamedTuple):
    """One imported name. ``member`` None is ``import module``."""

    level: int
    module: str
    member: str | None
    asname: str | None = None

    @classmethod
    def all_of(cls, node: ImportStatement) -> list[Import]:
        if isinstance(node, ast.Import):
            return [cls(0, alias.name, None, alias.asname) for alias in node.names]
        return [cls(node.level, node.module or "", alias.name, alias.asname) for alias in node.names]

    def statement(self) -> str:
        renamed = f" as {self.asname}" if self.asname else ""
        if self.member is None:
            return f"import {self.module}{renamed}"
        head = f"from {'.' * self.level}{self.module} import "
        line = f"{head}{self.member}{renamed}"
        return line if width_of(line) <= WIDTH else f"{head}(\n{INDENT}{self.member}{renamed},\n)"


class ImportEdits(Statements):
    """A layer of :class:`~resonate_scaffold.edit.source.Source`."""

    def bind(self, module: str, name: str | None, prefer: str | None = None) -> tuple[Self, str]:
        """Make a name of a module available, and say how it is written here.

        What is imported at module level already is used as it is called there. An import under ``TYPE_CHECKING`` is not
        there when the code runs, so it gets company. A new import is called ``prefer``, or as in its module; where
        that is taken, by its module and its name.

        Args:
            module: dotted, absolute, without the package: ``contracts.workflows``; ``!datetime`` is not the service's.
            name: what is wanted of it; None: the module itself.

        Raises:
            CannotEdit: no place for the import is known.
        """
        local, wanted = self._binding(module, name, prefer)
        return (self._with_import(wanted) if wanted else self), local

    def _binding(self, module: str, name: str | None, prefer: str | None = None) -> tuple[str, Import | None]:
        """How something is written here, and the import that it needs, where it needs one."""
        if name is not None and module == self.module:
            return name, None
        known = self._expression(module, name)
        if known is not None:
            return known, None
        wanted = self._wanted_import(module, name)
        local = self._free(prefer or wanted.member or wanted.module, module, name, wanted)
        return local, wanted._replace(asname=None if local == (wanted.member or wanted.module) else local)

    def _wanted_import(self, module: str, name: str | None) -> Import:
        outside = module.startswith("!")
        module = module.removeprefix("!")
        if outside and name is None and "." not in module:
            return Import(0, module, None)
        base, member = (
            (module.split("."), name) if name is not None else (module.split(".")[:-1], module.split(".")[-1])
        )
        base = [part for part in base if part]
        if outside:
            return Import(0, ".".join(base), member)
        if self.path.parts[0] != self.package:
            return Import(0, ".".join(base if base[:1] == [TESTS] else [self.package, *base]), member)
        here = self.path.parts[1:-1]
        shared = 0
        while shared < min(len(here), len(base)) and here[shared] == base[shared]:
            shared += 1
        return Import(len(here) - shared + 1, ".".join(base[shared:]), member)

    def _free(self, local: str, module: str, name: str | None, wanted: Import) -> str:
        """The name for an import, or one like it that is not taken."""
        meaning = self._base_of(wanted)

        def taken(local: str) -> bool:
            return not self._means(local, meaning) or (hasattr(builtins, local) and local in loaded_names([self.tree]))

        if not taken(local):
            return local
        for longer in longer_names(module or self.package, local):
            if not taken(longer):
                return longer
        number = 2
        while taken(f"{local}_{number}"):
            number += 1
        return f"{local}_{number}"

    def _base_of(self, wanted: Import) -> str | None:
        if wanted.member is None:
            return self._absolute(wanted.module)
        base = self._base(ast.ImportFrom(wanted.module or None, [], wanted.level))
        return None if base is None else joined(base, wanted.member)

    def _with_import(self, wanted: Import) -> Self:
        def refused(reason: str) -> CannotEdit:
            return CannotEdit(f"{self.path}: {reason}", f"Add to {self.path} yourself: {wanted.statement()}")

        joined = self._with_member(wanted, refused)
        after = joined or self._edited([self._new_import(wanted)], refused)
        if not self._has_gained(wanted, after):
            raise refused("it cannot be edited safely")
        return after._in_order(wanted, refused) if joined else after

    def _has_gained(self, wanted: Import, after: Self) -> bool:
        """Whether another source is this one and an import."""
        was, now = self._imported, after._imported
        place = next((number for number, one in enumerate(was) if now[number : number + 1] != [one]), len(was))
        return (
            now[place : place + 1] == [wanted]
            and now[place + 1 :] == was[place:]
            and self._prints(no_imports(self.tree.body)) == after._prints(no_imports(after.tree.body))
        )

    @cached_property
    def _imported(self) -> list[Import]:
        return [one for node in self.tree.body if isinstance(node, ImportStatement) for one in Import.all_of(node)]

    def _with_member(self, wanted: Import, refused: Callable[[str], CannotEdit]) -> Self | None:
        """Add to an import that is there, or None where there is none to add to."""
        if wanted.member is None or wanted.asname:
            return None
        for place, node in enumerate(self.tree.body):
            if (
                isinstance(node, ast.ImportFrom)
                and (node.level, node.module or "") == (wanted.level, wanted.module)
                and all(alias.asname is None and alias.name != "*" for alias in node.names)
            ):
                return self._edited(self._adding(node, place, wanted.member), refused)
        return None

    def _brackets(self, node: ast.ImportFrom) -> tuple[int, int] | None:
        """Where the names begin and end that stand in parentheses."""
        start, end = self._span(node)
        match = _OPENED.search(self.content, start, self._span(node.names[0])[0])
        return (match.end(), end - 1) if match else None

    def _adding(self, node: ast.ImportFrom, place: int, name: str) -> list[Cut]:
        spans = [self._span(alias) for alias in node.names]
        names = [alias.name for alias in node.names]
        at = next((number for number, other in enumerate(names) if _member_key(other) > _member_key(name)), len(names))
        brackets = self._brackets(node)
        if brackets and self._own_line(spans[0][0]):
            items, _ = self._items(node.names, *brackets)
            if at == 0:
                match = NOT_CODE.match(self.content, brackets[0])
                end = match.end() if match else brackets[0]
                return [(end, end, f"\n{self._indent(spans[0][0])}{name},")]
            item = items[at - 1]
            tail = LINE_TAIL.match(self.content, item.comma or item.end, brackets[1])
            if tail:
                text = f"\n{self._indent(item.start)}{name}"
                if item.comma:
                    return [(tail.start("newline"), tail.start("newline"), text + ",")]
                if tail.start("newline") == item.end:
                    return [(item.end, item.end, "," + text)]
                return [(item.end, item.end, ","), (tail.start("newline"), tail.start("newline"), text)]
        cut = (spans[0][0], spans[0][0], f"{name}, ") if at == 0 else (spans[at - 1][1], spans[at - 1][1], f", {name}")
        line = self._line(self._span(node)[0])
        if node.lineno != node.end_lineno or width_of(self.content[slice(*line)].decode() + cut[2]) <= WIDTH:
            return [cut]
        listed = "".join(f"\n{INDENT}{other}," for other in [*names[:at], name, *names[at:]]) + "\n"
        if brackets:
            return [(*brackets, listed)]
        row = next(row for row in self._rows if row.first <= place <= row.last)
        comment = self.content[row.stop : self._row_end(row)].decode()
        if row.first != row.last or not comment.strip().startswith("#"):
            return [(spans[0][0], spans[-1][1], f"({listed})")]
        return [(spans[0][0], self._row_end(row), f"({comment}{listed})")]

    def _new_import(self, wanted: Import) -> Cut:
        """Where an import goes that has a statement of its own."""
        text = wanted.statement()
        block = self._block()
        if not block:
            return self._first_import(text)
        key = self._import_key(wanted)
        at = bisect_right(block, key, key=self._row_key)
        before = block[at - 1] if at else None
        if before and self._row_key(before)[0] == key[0]:
            end = self._row_end(before)
            return end, end, f"\n{text}"
        if at < len(block) and self._row_key(block[at])[0] == key[0]:
            start = self._line(block[at].start)[0]
            comments = [*filter(self._is_comment, self._between(self._row_end(before), start))] if before else []
            if comments:  # they are about the import below, and a blank line parts them from the one above
                return comments[0][0], comments[0][0], f"{text}\n\n"
            return start, start, f"{text}\n"
        if before:
            end = self._row_end(before)
            return end, end, f"\n\n{text}"
        start = self._line(block[0].start)[0]
        return start, start, f"{text}\n\n"

    def _block(self) -> list[Row]:
        """The first imports of the module that nothing but comments comes between."""
        imports = [isinstance(node, ImportStatement) for node in self.tree.body]
        runs = groupby(self._rows, lambda row: all(imports[row.first : row.last + 1]))
        return next((list(run) for only_imports, run in runs if only_imports), [])

    def _imports_of(self, row: Row) -> list[ImportStatement]:
        statements = self.tree.body[row.first : row.last + 1]
        return [statement for statement in statements if isinstance(statement, ImportStatement)]

    def _first_import(self, text: str) -> Cut:
        """Where an import goes in a module that has none."""
        rows = self._rows
        documented = bool(rows) and is_docstring(self.tree.body[0])
        following = rows[1] if documented and len(rows) > 1 else rows[0] if rows and not documented else None
        size = len(self.content)
        end = self._row_end(rows[0]) if documented else self._lines[0] - 1
        lines = self._between(end, self._line(following.start)[0] if following else size)
        if not documented:
            attached = count_back(lines, lambda line: not self._is_comment(line)) if following else 0
            header = lines[: len(lines) - attached]
            for line in lines[len(lines) - attached :]:
                if not self._is_header(line):
                    break
                header.append(line)
            lines = lines[len(header) :]
            comments = [line for line in header if self._is_comment(line)]
            if not comments:
                start = self._lines[0]
                return (
                    start,
                    start,
                    text + "\n" * (1 + (self._blank_after_import(lines, following) if following else 0)),
                )
            end = comments[-1][1]
            lines = [*header[header.index(comments[-1]) + 1 :], *lines]
        blank = count_back(lines[::-1], self._is_comment)
        if blank == len(lines) and following is None:
            return end, lines[-1][1] if lines else end, f"\n\n{text}"
        wanted = self._blank_after_import(lines[blank:], following)
        stop = lines[blank - 1][1] if blank else end
        return end, stop, f"\n\n{text}" + "\n" * wanted

    def _blank_after_import(self, comments: Sequence[tuple[int, int]], following: Row | None) -> int:
        definition = following is not None and isinstance(self.tree.body[following.first], Definition)
        return 2 if definition and following and self._attached(comments, following) else 1

    def _in_order(self, wanted: Import, refused: Callable[[str], CannotEdit]) -> Self:
        """Put an import whose first name is new where it belongs among the others of its module."""
        block = self._block()
        keys = [self._row_key(row) for row in block]
        at = next((number for number, row in enumerate(block) if wanted in self._all_of(row)), 0)
        if not at or keys[at - 1] <= keys[at] or keys[at - 1][:5] != keys[at][:5] or block[at].first != block[at].last:
            return self
        to = at - 1
        while to and keys[to - 1][:5] == keys[at][:5] and keys[to - 1] > keys[at]:
            to -= 1
        # Those that now belong below it change places with it: what stands above it may be about it.
        gaps = [
            self._between(self._row_end(left), right.start) for left, right in pairwise(block[max(to - 1, 0) : at + 1])
        ]
        above = gaps.pop(0) if to else []
        if any(map(self._is_comment, above)) or any(row.first != row.last for row in block[to : at + 1]):
            return self
        start = self._line(block[to].start)[0]
        stop = next((line[0] for line in gaps[-1] if self._is_comment(line)), self._line(block[at].start)[0])
        text = re.sub("\r\n|\r", "\n", self.content[start : self._row_end(block[at - 1])].decode())
        if gaps[-1] and to and not above:
            stop = gaps[-1][0][0]  # a comment in the middle of a section keeps its blank line
        end = self._row_end(block[at])
        moved = self._edited([(start, stop, ""), (end, end, f"\n{text}")], refused)
        if self._prints(no_imports(self.tree.body)) != moved._prints(no_imports(moved.tree.body)) or sorted(
            map(repr, self._imported)
        ) != sorted(map(repr, moved._imported)):
            raise refused("it cannot be edited safely")
        return moved

    def _all_of(self, row: Row) -> list[Import]:
        return [one for node in self._imports_of(row) for one in Import.all_of(node)]

    def _row_key(self, row: Row) -> _ImportKey:
        """Where `ruff` sorts the first import of a row."""
        return self._import_key(Import.all_of(self._imports_of(row)[0])[0])

    def _import_key(self, one: Import) -> _ImportKey:
        """Where `ruff` sorts an import: its section comes first."""
        first = one.module.partition(".")[0]
        if one.level:
            section = 4
        elif first == "__future__":
            section = 0
        elif first in sys.stdlib_module_names:
            section = 1
        else:
            section = 3 if first in (self.package, TESTS) else 2
        return (
            section,
            one.member is not None,
            -one.level,
            _natural(one.module.lower()),
            _natural(one.module),
            _member_key(one.member, one.asname) if one.member is not None else (),
            _natural(one.asname or "") if one.member is None else (),
        )

    def _without_imports_of(self, names: Collection[str]) -> Self:
        """Take out the imports of names that were used, and no longer are."""
        if not names or self.path.name == "__init__.py":
            return self
        unused = set(names) - used_names(self.tree)
        source = self
        while unused:
            for place, node in enumerate(source.tree.body):
                if isinstance(node, ImportStatement) and (gone := source._droppable(node, unused)):
                    source = source._without_names(place, node, gone)
                    break
            else:
                break
        return source

    def _droppable(self, node: ImportStatement, unused: Collection[str]) -> list[int]:
        """Which of the names of an import may go. What is imported ``as`` itself is meant for others."""
        start, end = self._span(node)
        if (isinstance(node, ast.ImportFrom) and node.module == "__future__") or b"noqa" in self.content[
            start : self._line(end)[1]
        ]:
            return []
        return [
            place
            for place, alias in enumerate(node.names)
            if (alias.asname or (alias.name.partition(".")[0] if isinstance(node, ast.Import) else alias.name))
            in unused
            and alias.asname != alias.name
        ]

    def _without_names(self, place: int, node: ImportStatement, gone: Sequence[int]) -> Self:
        if len(gone) == len(node.names):
            return self._without_statements([place], with_comments=False)

        def refused(reason: str) -> CannotEdit:
            return CannotEdit(
                f"{self.path}: {reason}",
                f"Take {node.names[gone[0]].name} out of line {node.names[gone[0]].lineno} of {self.path} yourself.",
            )

        end = self._span(node)[1]
        brackets = self._brackets(node) if isinstance(node, ast.ImportFrom) else None
        inner, close = brackets or (self._span(node.names[0])[0], end)
        items, _ = self._items(node.names, inner, close)
        after = self._edited(self._removing(items, gone[0], inner, close), refused)
        kept = [one for number, one in enumerate(Import.all_of(node)) if number != gone[0]]
        found = after.tree.body[place] if len(after.tree.body) == len(self.tree.body) else None
        if (
            not isinstance(found, ImportStatement)
            or Import.all_of(found) != kept
            or self._prints([*self.tree.body[:place], *self.tree.body[place + 1 :]])
            != after._prints([*after.tree.body[:place], *after.tree.body[place + 1 :]])
        ):
            raise refused("it cannot be edited safely")
        return after


def longer_names(module: str, name: str) -> Iterator[str]:
    """Names like *name* that say whose it is: ``db_get_account`` or ``DbGetAccount``, of ``contracts.db.get_account``.

    Shorter ones come first.
    """
    words: list[str] = []
    for part in reversed(module.removeprefix("!").split(".")):
        camel = "".join(word.capitalize() for word in part.split("_"))
        if name not in (part, camel):
            words.insert(0, camel if name[:1].isupper() else part)
            yield "".join([*words, name]) if name[:1].isupper() else "_".join([*words, name])


def _member_key(name: str, asname: str | None = None) -> tuple[object, ...]:
    """Where `ruff` sorts a name within an import: constants, classes, everything else."""
    kind = 0 if len(name) > 1 and name.isupper() else 1 if name[:1].isupper() else 2
    return name != "*", kind, _natural(name.lower()), _natural(name), _natural(asname or "")


def _natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Text in an order that counts: numbers in it by their value, a leading zero first."""
    parts: list[tuple[int, int, str]] = []
    for part in re.findall(r"[0-9]+|[^0-9]", text):
        if part[0].isdecimal() and part.isascii():
            parts.append((ord("0"), 0 if part[0] == "0" else len(part), part))
        else:
            parts.append((ord(part), 0, ""))
    return tuple(parts)
