"""Imports of one file: found, made, dropped. Their order is ruff's to say."""

from __future__ import annotations

import ast
import builtins
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, count, groupby, zip_longest
from typing import NamedTuple, Self

from resonate_scaffold.edit.names import TESTS, ImportStatement, joined, loaded_names
from resonate_scaffold.edit.statements import Statements, is_docstring, no_imports, used_names
from resonate_scaffold.edit.text import CONTINUED, Cut, Row
from resonate_scaffold.errors import CannotEdit

_OPENED = re.compile(rb"\bimport" + CONTINUED + rb"\(")


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

    @property
    def local(self) -> str:
        """What it is called where it is imported."""
        return self.asname or self.member or self.module.partition(".")[0]

    def statement(self) -> str:
        renamed = f" as {self.asname}" if self.asname else ""
        if self.member is None:
            return f"import {self.module}{renamed}"
        return f"from {'.' * self.level}{self.module} import {self.member}{renamed}"


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
        after, (local,) = self.bind_all([(module, name, prefer)])
        return after, local

    def bind_all(self, names: Iterable[tuple[str, str | None, str | None]]) -> tuple[Self, list[str]]:
        """Make several names available, each given as for :meth:`bind`."""
        written, wanted = self._bindings(names)
        if not wanted:
            return self, written
        statements = "\n".join(one.statement() for one in wanted)

        def refused(reason: str) -> CannotEdit:
            return CannotEdit(f"{self.path}: {reason}", f"Add to {self.path} yourself:\n{statements}")

        after = self._edited(self._new_imports(wanted), refused)
        if Counter(after._imported) != Counter([*self._imported, *wanted]) or self._prints(
            no_imports(self.tree.body)
        ) != after._prints(no_imports(after.tree.body)):
            raise refused("it cannot be edited safely")
        return after, written

    def _bindings(self, names: Iterable[tuple[str, str | None, str | None]]) -> tuple[list[str], list[Import]]:
        """How each is written here, and the imports that are needed for that."""
        written: list[str] = []
        needed: list[Import] = []
        for module, name, prefer in names:
            known = name if name is not None and module == self.module else self._expression(module, name)
            if known is None:
                wanted = self._wanted_import(module, name)
                taken = {one.local for one in needed}
                known = self._free(prefer or wanted.member or wanted.module, module, name, wanted, taken)
                wanted = wanted._replace(asname=None if known == (wanted.member or wanted.module) else known)
                needed.append(wanted)
            written.append(known)
        return written, needed

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

    def _free(self, local: str, module: str, name: str | None, wanted: Import, besides: Collection[str]) -> str:
        """The name for an import, or one like it that is not taken."""
        meaning = self._base_of(wanted)

        def taken(local: str) -> bool:
            builtin = hasattr(builtins, local) and local in loaded_names([self.tree])
            return local in besides or builtin or not self._means(local, meaning)

        numbered = (f"{local}_{number}" for number in count(2))
        candidates = chain([local], longer_names(module or self.package, local), numbered)
        return next(candidate for candidate in candidates if not taken(candidate))

    def _base_of(self, wanted: Import) -> str | None:
        if wanted.member is None:
            return self._absolute(wanted.module)
        base = self._base(ast.ImportFrom(wanted.module or None, [], wanted.level))
        return None if base is None else joined(base, wanted.member)

    @cached_property
    def _imported(self) -> list[Import]:
        return [one for node in self.tree.body if isinstance(node, ImportStatement) for one in Import.all_of(node)]

    def _brackets(self, node: ast.ImportFrom) -> tuple[int, int] | None:
        """Where the names begin and end that stand in parentheses."""
        start, end = self._span(node)
        match = _OPENED.search(self.content, start, self._span(node.names[0])[0])
        return (match.end(), end - 1) if match else None

    def _new_imports(self, wanted: Iterable[Import]) -> list[Cut]:
        """Where imports go: into a line that imports from the same module, else below the last one from as far away."""
        cuts: list[Cut] = []
        below: dict[int, str] = {}
        first = ""
        block = self._block()
        for one in wanted:
            if line := self._line_from(one):
                end = self._span(line.names[-1])[1]
                cuts.append((end, end, f", {one.member}"))
            elif block:
                alike = (row for row in reversed(block) if _is_alike(self._imports_of(row)[-1], one))
                end = self._row_end(next(alike, block[-1]))
                below[end] = f"{below.get(end, '')}\n{one.statement()}"
            else:
                first += f"\n{one.statement()}"
        cuts += ((end, end, text) for end, text in below.items())
        return [*cuts, self._first_imports(first)] if first else cuts

    def _line_from(self, wanted: Import) -> ast.ImportFrom | None:
        """A statement of one line that imports names from the same module."""
        if wanted.member is None or wanted.asname:
            return None
        for node in self.tree.body:
            if (
                isinstance(node, ast.ImportFrom)
                and (node.level, node.module or "") == (wanted.level, wanted.module)
                and all(alias.asname is None and alias.name != "*" for alias in node.names)
                and node.lineno == node.end_lineno
                and not self._brackets(node)
            ):
                return node
        return None

    def _block(self) -> list[Row]:
        """The first imports of the module that nothing but comments comes between."""
        imports = [isinstance(node, ImportStatement) for node in self.tree.body]
        runs = groupby(self._rows, lambda row: all(imports[row.first : row.last + 1]))
        return next((list(run) for only_imports, run in runs if only_imports), [])

    def _imports_of(self, row: Row) -> list[ImportStatement]:
        statements = self.tree.body[row.first : row.last + 1]
        return [statement for statement in statements if isinstance(statement, ImportStatement)]

    def _first_imports(self, text: str) -> Cut:
        """Where imports go in a module that has none: below its docstring, or comments about the whole at its top."""
        rows = self._rows
        if rows and is_docstring(self.tree.body[0]):
            end = self._row_end(rows[0])
            return end, end, f"\n{text}"
        stop = self._line(rows[0].start)[0] if rows else len(self.content)
        lines = self._between(self._lines[0] - 1, stop)
        ends: list[int] = []
        for line, after in zip_longest(lines, lines[1:]):
            is_last = not self._is_comment(after) if after else not rows
            if self._is_comment(line) and (is_last or self._is_header(line)):
                ends.append(line[1])
        if ends:
            return ends[-1], ends[-1], f"\n{text}"
        return self._lines[0], self._lines[0], f"{text[1:]}\n" + ("\n" if rows else "")

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


def _is_alike(node: ImportStatement, wanted: Import) -> bool:
    """Whether an import comes from as far away: so many packages above, or the same one."""
    level, module, *_ = Import.all_of(node)[0]
    return level == wanted.level and (level > 0 or module.partition(".")[0] == wanted.module.partition(".")[0])
