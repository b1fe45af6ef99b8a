"""Edits of Python that people have written.

A place is found by syntax tree; bytes are spliced; the result is read again, and counts only if its tree is the old
one plus or minus exactly what was asked for. Whatever an edit does not own stays as it is: comments, formatting, line
ends, a byte order mark, a missing newline at the end. What is inserted stands where `ruff` would put it, so that a file
that was sorted and formatted still is.
"""

from __future__ import annotations

import ast
import builtins
import codecs
import re
import sys
import unicodedata
import warnings
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby, pairwise
from pathlib import PurePosixPath
from typing import NamedTuple

from resonate_scaffold.errors import BrokenSource, CannotEdit
from resonate_scaffold.layout import WIDTH

_INDENT = "    "
_TESTS = "tests"
_MEND = "Mend it, then run this again."
_LARGEST = 4 << 20  # a syntax tree takes a hundred times as much memory

_NEWLINE = re.compile(rb"\r\n|\r|\n")
_COOKIE = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_NOT_CODE = re.compile(rb"[ \t\f]*(?:#[^\r\n]*)?")
_CONTINUED = rb"(?:[ \t\f]|\\(?:\r\n|\r|\n))*"
_CHAINED = re.compile(_CONTINUED + rb";" + _CONTINUED)
_ROW_TAIL = re.compile(rb"(?:[ \t\f;]|\\(?:\r\n|\r|\n))*(?:#[^\r\n]*)?")
_LINE_TAIL = re.compile(rb"[ \t\f]*(?:#[^\r\n]*)?(?P<newline>\r\n|\r|\n)")
_OPENED = re.compile(rb"\bimport" + _CONTINUED + rb"\(")
_GAP = re.compile(rb"(?P<comment>#[^\r\n]*)|(?P<newline>\r\n|\r|\n)|(?P<mark>[,()])|(?P<other>[^ \t\f])")

_Cut = tuple[int, int, str]
_ImportKey = tuple[int, int, int, tuple[object, ...], tuple[object, ...], object, object]
_ImportStatement = ast.Import | ast.ImportFrom
_Binder = ast.stmt | ast.expr | ast.pattern | ast.excepthandler
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


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


@dataclass(frozen=True, slots=True)
class Splice:
    """How one edit is taken back: put ``old`` where ``length`` bytes stand now."""

    start: int
    length: int
    old: bytes


@dataclass(frozen=True)
class Source:
    """One Python file. Every edit returns another; ``undo``, applied in order, gives the bytes that were parsed first.

    Modules are named without the service's package (``contracts.workflows``); a leading ``!`` marks what is not the
    service's (``!pydantic``). Names of a module are qualified by it: ``contracts.workflows.place_order``.
    """

    path: PurePosixPath
    content: bytes
    package: str
    undo: tuple[Splice, ...] = ()

    @classmethod
    def parse(cls, path: PurePosixPath, content: bytes, package: str) -> Source:
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
        return (self._first, *(match.end() for match in _NEWLINE.finditer(self.content, self._first)))

    @cached_property
    def _bound(self) -> tuple[tuple[str, _Binder, bool], ...]:
        """Every binding of a name of the module."""
        walrus, functions = b":=" in self.content, b"global" in self.content
        found: list[tuple[str, _Binder, bool]] = []
        for statement in self.tree.body:
            if type(statement) is ast.ImportFrom:  # of which there may be thousands
                found += [(alias.asname or alias.name, statement, True) for alias in statement.names]
            else:
                found += _bindings(statement, walrus=walrus, functions=functions)
        return tuple(found)

    @property
    def module(self) -> str:
        """The file's own module: ``workflows.worker``, ``contracts`` for a package, ``tests.test_x`` for a test."""
        parts = [*self.path.parts[:-1], self.path.stem]
        if parts[0] == self.package:
            del parts[0]
        if parts and parts[-1] == "__init__":
            parts.pop()
        return ".".join(parts)

    def definitions(self) -> Mapping[str, ast.stmt]:
        """The classes, functions, type aliases and (annotated) assignments at module level, by name."""
        found: dict[str, ast.stmt] = {}
        for statement in self.tree.body:
            found.update((name, statement) for name in _defined(statement))
        return found

    def qualified(self, node: ast.expr) -> str | None:
        """What a name or an attribute refers to, through imports, aliases and own definitions; None where unknown."""
        attributes: list[str] = []
        while isinstance(node, ast.Attribute):
            attributes.append(node.attr)
            node = node.value
        base = self._names.get(node.id) if isinstance(node, ast.Name) else None
        if base is None:
            return None
        return ".".join(filter(None, (base, *reversed(attributes)))) or None

    def mentions(self, key: str, within: str | None = None) -> bool:
        """Whether the code refers to a qualified name, or has it as a string. Imports do not count.

        ``within``: look only into the statements that bind this name.
        """
        last = key.rpartition(".")[2]
        if last.isidentifier() and last.encode() not in self.content:
            return False
        places = range(len(self.tree.body)) if within is None else self._bindings_of(within)
        return any(self._refers(self.tree.body[place], key) for place in places)

    def bind(self, module: str, name: str | None, prefer: str | None = None) -> tuple[Source, str]:
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

    def _binding(self, module: str, name: str | None, prefer: str | None = None) -> tuple[str, _Import | None]:
        """How something is written here, and the import that it needs, where it needs one."""
        if name is not None and module == self.module:
            return name, None
        known = self._expression(module, name)
        if known is not None:
            return known, None
        wanted = self._wanted_import(module, name)
        local = self._free(prefer or wanted.member or wanted.module, module, name, wanted)
        return local, wanted._replace(asname=None if local == (wanted.member or wanted.module) else local)

    def wire(
        self, into: str, imports: Sequence[tuple[str, str | None]], element: Callable[[Sequence[str]], str]
    ) -> Source:
        """Append to the list *into* an element that is made of imported names; ``element`` gives its text.

        Raises:
            CannotEdit: the list cannot be edited; the hint has the lines to paste, imports included.
        """
        bound = self
        locals_: list[str] = []
        needed: list[_Import] = []
        for module, name in imports:
            local, wanted = bound._binding(module, name)
            locals_.append(local)
            if wanted:
                needed.append(wanted)
                if len(imports) > 1:
                    bound = bound._with_import(wanted)
        text = element(locals_)
        try:
            if len(imports) == 1 and needed:
                return self._append_imported(into, text, needed[0])
            return bound.append_to_list(into, text)
        except CannotEdit as error:
            # What was bound would be lost with the refusal, so it is part of what to paste.
            lines = [*(one.statement() for one in needed), f"{text},"]
            pasted = "".join(f"\n    {line}" for part in lines for line in part.splitlines())
            hint = f"Paste this into {self.path}, then run the command again:{pasted}"
            raise CannotEdit(error.message, hint) from error

    def _append_imported(self, into: str, element: str, wanted: _Import) -> Source:
        """Import a name and append an element.

        Of a list over several lines, only what stands around the two places is read again, for to read a list of
        thousands takes long. Everything else keeps its bytes, and both places are between statements or elements.
        """

        def refused(reason: str) -> CannotEdit:
            return CannotEdit(f"{self.path}: {reason}", "")

        index, value = self._list(into, refused)
        alone = wanted.module.rpartition(".")[2].encode() not in self.content or all(
            node.level != wanted.level or (node.module or "") != wanted.module
            for node in self.tree.body
            if isinstance(node, ast.ImportFrom)
        )
        cut, cuts = self._new_import(wanted), self._appending(value, element)
        tail = self._span(value.elts[-2])[0] if len(value.elts) > 2 else len(self.content)
        if not alone or cut[1] > self._span(self.tree.body[index])[0] or min(start for start, _, _ in cuts) < tail:
            return self._with_import(wanted).append_to_list(into, element)
        content, undo = self._cut([cut, *cuts])
        here = bisect_right(self.tree.body, cut[0], key=lambda statement: self._span(statement)[1])
        near = self.tree.body[max(here - 1, 0) : here + 1]
        start = min(cut[0], self._span(near[0])[0])
        around = self._read_again([cut], start, max(cut[1], self._span(near[-1])[1]))
        added = [number for number, node in enumerate(around) if ast.dump(node) not in map(ast.dump, near)]
        end = self._read_again(cuts, tail, self._span(value)[1], "[")
        grown = end[0].value if len(end) == 1 and isinstance(end[0], ast.Expr) else None
        if (
            len(around) != len(near) + 1
            or len(added) != 1
            or not isinstance(new := around[added[0]], _ImportStatement)
            or _Import.all_of(new) != [wanted]
            or not isinstance(grown, ast.List)
            or [ast.dump(node) for node in grown.elts] != [ast.dump(n) for n in (*value.elts[-2:], _element(element))]
        ):
            raise refused(f"{into} cannot be edited safely")
        return Source(self.path, content, self.package, undo)

    def _read_again(self, cuts: Iterable[_Cut], start: int, end: int, before: str = "") -> list[ast.stmt]:
        """The statements between two offsets as some cuts leave them; ``before`` is put in front of them."""
        content = self.content[:end]
        for first, last, text in sorted(cuts, reverse=True):
            content = content[:first] + text.encode() + content[last:]
        try:
            return ast.parse(before.encode() + content[start:]).body
        except SyntaxError:
            return []

    def append_to_list(self, name: str, element: str) -> Source:
        """Append an element to the list that the module binds to *name*.

        In a list over several lines it gets a line of its own, after the comments that follow the last element. A list
        on one line stays there while it fits, and is then written one element a line.

        Raises:
            CannotEdit: it is not a plain list, is bound more than once or not at all, or stands above the imports that
                the element needs.
        """
        wanted = _element(element)

        def refused(reason: str) -> CannotEdit:
            return CannotEdit(f"{self.path}: {reason}", f"Add to {name} in {self.path} yourself: {element},")

        index, value = self._list(name, refused)
        statement = self.tree.body[index]
        for used in _loaded([wanted]):
            places = [node for bound, node, _ in self._bound if bound == used]
            if places and all(node.lineno > statement.lineno for node in places):
                raise refused(f"{used} is bound below {name}")
        after = self._edited(self._appending(value, element), refused)
        grown = after.tree.body[index] if len(after.tree.body) == len(self.tree.body) else None
        if not self._is_grown(value, grown, after, wanted) or self._prints(
            self.tree.body, skip=[index]
        ) != after._prints(after.tree.body, skip=[index]):
            raise refused(f"{name} cannot be edited safely")
        return after

    def _is_grown(self, value: ast.List, statement: ast.stmt | None, after: Source, element: ast.expr) -> bool:
        """Whether a statement of another source binds a list to what it was and one more element."""
        grown = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
        if (
            not isinstance(grown, ast.List)
            or len(grown.elts) != len(value.elts) + 1
            or ast.dump(grown.elts[-1]) != ast.dump(element)
        ):
            return False
        if not value.elts:
            return True
        was, now = self._span(value)[0], after._span(grown)[0]
        whole = self.content[was : self._span(value.elts[-1])[1]]
        if after.content[now : after._span(grown.elts[-2])[1]] == whole:
            return True  # up to there it is the same text
        return self._prints(value.elts) == after._prints(grown.elts[:-1])

    def append(self, text: str) -> Source:
        """Append statements to the module, after everything that is there.

        Raises:
            CannotEdit: the result would not be the module plus the statements.
        """

        def refused(reason: str) -> CannotEdit:
            return CannotEdit(f"{self.path}: {reason}", f"Add to the end of {self.path} yourself:\n{text}")

        text = text.strip("\n") + "\n"
        added = ast.parse(text).body
        after = self._edited([(len(self.content), len(self.content), self._spacing(added) + text)], refused)
        count = len(self.tree.body)
        if self._prints(self.tree.body) != after._prints(after.tree.body[:count]) or _dumps(added) != _dumps(
            after.tree.body[count:]
        ):
            raise refused("it cannot be appended to safely")
        return after

    def remove_from_list(self, name: str, key: str) -> Source:
        """Take out of a list what refers to *key*, a qualified name or a text, and the imports that only it needed.

        Nothing happens where there is no such list or element.

        Raises:
            CannotEdit: it is in something that is not a plain list.
        """
        if all(name != bound for bound, _, _ in self._bound) or not self.mentions(key):
            return self

        def refused(reason: str) -> CannotEdit:
            return CannotEdit(f"{self.path}: {reason}", f"Take {key} out of {name} in {self.path} yourself.")

        try:
            index, value = self._list(name, refused)
        except CannotEdit:
            values = [self.tree.body[place] for place in self._bindings_of(name)]
            if any(self._refers(statement, key) for statement in values):
                raise
            return self
        gone = [place for place, element in enumerate(value.elts) if self._refers(element, key)]
        source = self
        for place in reversed(gone):
            source = source._without_element(index, place, refused)
        return source._without_imports_of(_loaded(value.elts[place] for place in gone))

    def remove_definitions(self, names: Collection[str]) -> Source:
        """Take definitions out of the module, the comments right above them, and imports that only they needed.

        Raises:
            CannotEdit: one of the names is bound in another way, or together with another name.
        """
        gone: list[int] = []
        for place, statement in enumerate(self.tree.body):
            defined = _defined(statement)
            if defined and names and set(defined) & set(names):
                if len(defined) > 1:
                    raise CannotEdit(
                        f"{self.path}, line {statement.lineno}: it binds {' and '.join(defined)} together",
                        f"Take {' and '.join(sorted(set(defined) & set(names)))} out of {self.path} yourself.",
                    )
                gone.append(place)
        for name in sorted(names):
            if any(bound == name and not top for bound, _, top in self._bound):
                raise CannotEdit(
                    f"{self.path}: {name} is bound in more than one way", f"Take it out of {self.path} yourself."
                )
        source = self._without_statements(gone, with_comments=True)
        return source._without_imports_of(_loaded(self.tree.body[place] for place in gone))

    def _span(self, node: ast.stmt | ast.expr | ast.alias) -> tuple[int, int]:
        lines = self._lines
        start, end = lines[node.lineno - 1] + node.col_offset, lines[node.end_lineno - 1] + node.end_col_offset  # type: ignore[operator]
        if isinstance(node, _Definition) and node.decorator_list:
            start = self.content.rindex(b"@", 0, self._span(node.decorator_list[0])[0])
        return start, end

    def _line(self, offset: int) -> tuple[int, int]:
        """The line that holds an offset, without its end."""
        start = self._lines[max(bisect_right(self._lines, offset) - 1, 0)]
        match = _NEWLINE.search(self.content, start)
        return start, match.start() if match else len(self.content)

    def _own_line(self, offset: int) -> bool:
        """Whether only white space stands before it on its line."""
        return not self.content[self._line(offset)[0] : offset].strip(b" \t\f")

    def _indent(self, offset: int) -> str:
        line = self.content[slice(*self._line(offset))]
        return line[: len(line) - len(line.lstrip(b" \t\f"))].decode()

    @property
    def _newline(self) -> str:
        match = _NEWLINE.search(self.content)
        return match.group().decode() if match else "\n"

    @cached_property
    def _rows(self) -> list[_Row]:
        """The statements of the module, those that share a line together."""
        alone = [_Row(place, place, self) for place in range(len(self.tree.body))]
        if b";" not in self.content:
            return alone
        rows: list[_Row] = []
        for place, row in enumerate(alone):
            if rows and _CHAINED.fullmatch(self.content, rows[-1].stop, row.start):
                rows[-1] = _Row(rows[-1].first, place, self)
            else:
                rows.append(row)
        return rows

    def _row_end(self, row: _Row) -> int:
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

    def _edited(self, cuts: Iterable[_Cut], refused: Callable[[str], CannotEdit]) -> Source:
        """Replace spans, given with ``\\n`` as line end."""
        content, undo = self._cut(cuts)
        after = Source(self.path, content, self.package, undo)
        try:
            _ = after.tree
        except BrokenSource as error:
            raise refused("it cannot be edited safely") from error
        return after

    def _cut(self, cuts: Iterable[_Cut]) -> tuple[bytes, tuple[Splice, ...]]:
        """The content with spans replaced, and what takes that back."""
        content, undo = self.content, self.undo
        for start, end, text in sorted(cuts, reverse=True):
            new = text.replace("\n", self._newline).encode()
            undo = (Splice(start, len(new), content[start:end]), *undo)
            content = content[:start] + new + content[end:]
        return content, undo

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

    def _bindings_of(self, name: str) -> list[int]:
        """The module's statements in which a name is bound."""
        nodes = {id(node) for bound, node, _ in self._bound if bound == name}
        return [
            place
            for place, statement in enumerate(self.tree.body)
            if name in _defined(statement) or any(id(node) in nodes for node in ast.walk(statement))
        ]

    def _list(self, name: str, refused: Callable[[str], CannotEdit]) -> tuple[int, ast.List]:
        bound = [(node, top) for found, node, top in self._bound if found == name]
        if not bound:
            raise refused(f"there is no list {name}")
        if len(bound) > 1:
            lines = ", ".join(str(node.lineno) for node, _ in bound)
            raise refused(f"{name} is bound more than once (lines {lines})")
        statement, top = bound[0]
        target: ast.expr | None = None
        value: ast.expr | None = None
        match statement:
            case ast.Assign(targets=[target], value=value) | ast.AnnAssign(target=target, value=value):
                pass
        if not top or not isinstance(target, ast.Name):
            raise refused(f"{name} is not bound by a plain assignment at module level (line {statement.lineno})")
        if not isinstance(value, ast.List):
            raise refused(f"{name} is not written as a list (line {target.lineno})")
        return next(place for place, found in enumerate(self.tree.body) if found is statement), value

    def _items(self, nodes: Sequence[ast.expr] | Sequence[ast.alias], start: int, end: int) -> tuple[list[_Item], bool]:
        """The items between two offsets, and whether a line ends between them."""
        items: list[_Item] = []
        broken = False
        spans = [*map(self._span, nodes), (end, end)]
        at = start
        for begin, stop in spans:
            for match in _GAP.finditer(self.content, at, begin):
                broken = broken or match["newline"] is not None
                if match["mark"] == b",":
                    items[-1] = replace(items[-1], comma=match.end())
                elif match["mark"] == b")" and items:
                    items[-1] = replace(items[-1], end=match.end())
                elif match["mark"] == b"(":
                    begin = match.start()
                    break
            items.append(_Item(begin, stop))
            at = stop
        return items[:-1], broken

    def _appending(self, value: ast.List, element: str) -> list[_Cut]:
        start, end = self._span(value)
        inner, close = start + 1, end - 1
        # In a list over several lines the last two elements tell enough, and there may be thousands.
        items: list[_Item] = []
        broken = False
        if len(value.elts) > 2:
            items, broken = self._items(value.elts[-2:], self._span(value.elts[-2])[0], close)
        if not broken:
            items, broken = self._items(value.elts, inner, close)
        if not items:
            comments = [match for match in _GAP.finditer(self.content, inner, close) if match["comment"]]
            if not comments:
                return [(inner, close, f"\n{_INDENT}{_laid_out(element, _INDENT)},\n")]
            last = comments[-1]
            indent = self._indent(last.start()) if self._own_line(last.start()) else _INDENT
            return [(last.end(), last.end(), f"\n{indent}{_laid_out(element, indent)},")]
        last_item = items[-1]
        if not broken:
            at = last_item.comma or last_item.end
            text = f" {element}," if last_item.comma else f", {element}"
            line = self.content[slice(*self._line(at))].decode()
            if "\n" not in element and _width(line + text) <= WIDTH:
                return [(at, at, text)]
            joints = [(left.end, right.start, f",\n{_INDENT}") for left, right in pairwise(items)]
            return [
                (inner, items[0].start, f"\n{_INDENT}"),
                *joints,
                (last_item.end, close, f",\n{_INDENT}{_laid_out(element, _INDENT)},\n"),
            ]
        first_line = self._line(last_item.start)[0] == self._line(start)[0]
        indent = _INDENT if first_line else self._indent(last_item.start)
        text = f"\n{indent}{_laid_out(element, indent)}"
        at = last_item.comma or last_item.end
        comments = [match for match in _GAP.finditer(self.content, at, close) if match["comment"]]
        if comments:
            at = comments[-1].end()
        if last_item.comma:
            return [(at, at, text + ",")]
        alone = len(value.elts) == 1
        if alone and (b"#" in self.content[inner:close] or _NEWLINE.search(self.content, *last_item.span)):
            text += ","  # one element that has comments or several lines is all that the formatter leaves without
        if at == last_item.end:
            return [(at, at, "," + text)]
        return [(last_item.end, last_item.end, ","), (at, at, text)]

    def _without_element(self, index: int, place: int, refused: Callable[[str], CannotEdit]) -> Source:
        statement = self.tree.body[index]
        value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
        assert isinstance(value, ast.List)
        start, end = self._span(value)
        items, _ = self._items(value.elts, start + 1, end - 1)
        after = self._edited(self._removing(items, place, start + 1, end - 1), refused)
        found = after.tree.body[index] if len(after.tree.body) == len(self.tree.body) else None
        shrunk = found.value if isinstance(found, ast.Assign | ast.AnnAssign) else None
        kept = [element for number, element in enumerate(value.elts) if number != place]
        if (
            not isinstance(shrunk, ast.List)
            or self._prints(self.tree.body, skip=[index]) != after._prints(after.tree.body, skip=[index])
            or self._prints(kept) != after._prints(shrunk.elts)
        ):
            raise refused("it cannot be edited safely")
        return after

    def _removing(self, items: Sequence[_Item], place: int, inner: int, close: int) -> list[_Cut]:
        """The cuts that take one of the items between two brackets away, with the line that it has for itself."""
        content = self.content
        item = items[place]
        stop = item.comma or item.end
        own_line = self._own_line(item.start)
        line_tail = _LINE_TAIL.match(content, stop, close)
        if len(items) == 1:
            cut = (self._line(item.start)[0], line_tail.end()) if own_line and line_tail else (item.start, stop)
            if b"#" not in content[inner : item.start] + content[cut[1] : close]:
                cut = (inner, close)
            return [(*cut, "")]
        previous = items[place - 1] if place else None
        following = items[place + 1] if place + 1 < len(items) else None
        cuts: list[_Cut] = []
        if previous and previous.comma and following is None and not item.comma:
            cuts.append((previous.comma - 1, previous.comma, ""))  # the last one had no comma, and so has the next last
        if own_line and line_tail:
            return [*cuts, (self._line(item.start)[0], line_tail.end(), "")]
        if following and not _NEWLINE.search(content, stop, following.start):
            return [(item.start, following.start, "")]
        start = item.start
        if previous and b"#" not in content[previous.comma or previous.end : item.start]:
            blank = previous.comma or previous.end
            if following is None or not own_line:
                start = blank
        return [*cuts, (start, stop, "")]

    def _refers(self, node: ast.AST, key: str) -> bool:
        for child in ast.walk(node):
            match child:
                case ast.Name() | ast.Attribute():
                    if self.qualified(child) == key and isinstance(child.ctx, ast.Load):
                        return True
                case ast.Constant(value=str(text)) if text == key:
                    return True
        return False

    def _spacing(self, added: Sequence[ast.stmt]) -> str:
        """What stands between the end of the file and statements that are appended."""
        body = self.content[self._lines[0] :]
        code = body.rstrip()
        if not code:
            return "" if not body or body[-1:] in b"\r\n" else "\n"
        rows = self._rows
        wanted = 2
        if added and not isinstance(added[0], _Definition) and rows:
            last = self.tree.body[-1]
            comment = self._row_end(rows[-1]) < self._lines[0] + len(code)
            documented = len(self.tree.body) == 1 and _is_docstring(last)
            if documented or (isinstance(last, _ImportStatement) and not comment):
                wanted = 1
        there = len(_NEWLINE.findall(body[len(code) :]))
        return "\n" * max(wanted + 1 - there, 0 if body[-1:] in b"\r\n" else 1)

    def _without_statements(self, places: Sequence[int], *, with_comments: bool) -> Source:
        """Take statements out of the module, and the blank lines that parted them from the rest."""
        if not places:
            return self
        rows = self._rows
        cuts: list[_Cut] = []
        run: list[_Row] = []
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

    def _unchained(self, row: _Row, gone: Sequence[int]) -> list[_Cut]:
        """The cuts that take some of the statements of one line away."""
        spans = {place: self._span(self.tree.body[place]) for place in range(row.first, row.last + 1)}
        kept = [place for place in spans if place not in gone]
        return [
            (spans[place][0], spans[place + 1][0], "")
            if place < kept[-1]
            else (spans[place - 1][1], spans[place][1], "")
            for place in gone
        ]

    def _cut_rows(
        self, previous: _Row | None, start: int, end: int, following: _Row | None, with_comments: bool
    ) -> _Cut:
        first = self._lines[0]
        size = len(self.content)
        above = self._between(self._row_end(previous) if previous else first - 1, self._line(start)[0])
        below = self._between(end, following.start if following else size)
        while with_comments and above and self._is_comment(above[-1]) and not self._is_header(above[-1]):
            start = above.pop()[0]
        blank_above = _count_back(above, self._is_comment)
        blank_below = _count_back(below[::-1], self._is_comment)
        comment_above = blank_above < len(above)
        comment_below = blank_below < len(below)
        begin = self._line(start)[0]
        if blank_above:
            begin = above[-blank_above][0]
        if comment_below:
            stop = below[blank_below][0]
        elif following:
            stop = self._line(following.start)[0]
        else:
            return begin, size, ""
        if previous is None and not comment_above:
            return begin, stop, ""
        wanted = max(blank_above, blank_below)
        above_it = self.tree.body[previous.last] if previous else None
        below_it = self.tree.body[following.first] if following else None
        if not comment_above:
            attached = following is not None and self._attached(below, following)
            if isinstance(above_it, _Definition) or (isinstance(below_it, _Definition) and attached):
                wanted = 2
            else:
                imports = isinstance(above_it, _ImportStatement) and not isinstance(below_it, _ImportStatement)
                documented = above_it is not None and above_it is self.tree.body[0] and _is_docstring(above_it)
                wanted = 1 if imports or documented else wanted
        return begin, stop, "\n" * wanted

    def _attached(self, between: Sequence[tuple[int, int]], following: _Row) -> bool:
        """Whether no blank line parts the comments before a row from it."""
        comments = _count_back(between, lambda line: not self._is_comment(line))
        return not any(map(self._is_comment, between[: len(between) - comments]))

    def _is_header(self, line: tuple[int, int]) -> bool:
        """Whether a line speaks to the machine about the whole file."""
        text = self.content[slice(*line)]
        first = line[0] == self._lines[0]
        return (first and text.startswith(b"#!")) or (line[0] in self._lines[:2] and _COOKIE.match(text) is not None)

    @cached_property
    def _names(self) -> Mapping[str, str]:
        """What the names of the module mean. What stands at module level counts more than what is nested in it."""
        names: dict[str, str] = {}
        nested: dict[str, str] = {}
        for name, node, top in self._bound:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Del):
                continue
            meaning = self._meaning(name, node)
            if meaning is not None and top:
                names[name] = meaning
            elif meaning is not None:
                nested.setdefault(name, meaning)
        return {**nested, **names}

    def _meaning(self, name: str, node: _Binder) -> str | None:
        """What a name means that *node* binds: "" is the service's package."""
        if not isinstance(node, _ImportStatement):
            return _join(self.module, name)
        for alias in node.names:
            if isinstance(node, ast.Import):
                if (alias.asname or alias.name.partition(".")[0]) == name:
                    return self._absolute(alias.name if alias.asname else name)
            elif (alias.asname or alias.name) == name:
                base = self._base(node)
                return None if base is None else _join(base, alias.name)
        return None

    def _absolute(self, dotted: str) -> str:
        first, _, rest = dotted.partition(".")
        return rest if first == self.package else dotted if first == _TESTS else f"!{dotted}"

    def _base(self, node: ast.ImportFrom) -> str | None:
        """The module that names are imported from; None above the top."""
        if not node.level:
            return self._absolute(node.module or "")
        parts = list(self.path.parts[:-1])
        if node.level > len(parts):
            return None
        parts = parts[: len(parts) - node.level + 1] + (node.module or "").split(".")
        if parts[0] == self.package:
            del parts[0]
        return ".".join(filter(None, parts))

    def _expression(self, module: str, name: str | None) -> str | None:
        """How something is written here already."""
        target = module if name is None else _join(module, name)
        ends = {target.rpartition(".")[2].lstrip("!"), module.rpartition(".")[2].lstrip("!")}
        if module and not any(end.encode() in self.content for end in ends):
            return None
        through: str | None = None
        for node in self.tree.body:
            if not isinstance(node, _ImportStatement):
                continue
            for alias in node.names:
                if module and alias.name.rpartition(".")[2] not in ends:
                    continue  # what it means ends otherwise; there may be thousands
                dotted = isinstance(node, ast.Import) and alias.asname is None
                local = alias.name.partition(".")[0] if dotted else alias.asname or alias.name
                meaning = self._absolute(alias.name) if dotted else self._meaning(local, node)
                if meaning not in (target, module) or not self._means(local, self._meaning(local, node)):
                    continue
                if meaning == target:
                    return alias.name if dotted else local
                through = through or (alias.name if dotted else local)
        return None if through is None or name is None else f"{through}.{name}"

    def _means(self, local: str, meaning: str | None) -> bool:
        return all(self._meaning(local, node) == meaning for bound, node, _ in self._bound if bound == local)

    def _wanted_import(self, module: str, name: str | None) -> _Import:
        outside = module.startswith("!")
        module = module.removeprefix("!")
        if outside and name is None and "." not in module:
            return _Import(0, module, None)
        base, member = (
            (module.split("."), name) if name is not None else (module.split(".")[:-1], module.split(".")[-1])
        )
        base = [part for part in base if part]
        if outside:
            return _Import(0, ".".join(base), member)
        if self.path.parts[0] != self.package:
            return _Import(0, ".".join(base if base[:1] == [_TESTS] else [self.package, *base]), member)
        here = self.path.parts[1:-1]
        shared = 0
        while shared < min(len(here), len(base)) and here[shared] == base[shared]:
            shared += 1
        return _Import(len(here) - shared + 1, ".".join(base[shared:]), member)

    def _free(self, local: str, module: str, name: str | None, wanted: _Import) -> str:
        """The name for an import, or one like it that is not taken."""
        meaning = self._base_of(wanted)

        def taken(local: str) -> bool:
            return not self._means(local, meaning) or (hasattr(builtins, local) and local in _loaded([self.tree]))

        if not taken(local):
            return local
        for longer in longer_names(module or self.package, local):
            if not taken(longer):
                return longer
        number = 2
        while taken(f"{local}_{number}"):
            number += 1
        return f"{local}_{number}"

    def _base_of(self, wanted: _Import) -> str | None:
        if wanted.member is None:
            return self._absolute(wanted.module)
        base = self._base(ast.ImportFrom(wanted.module or None, [], wanted.level))
        return None if base is None else _join(base, wanted.member)

    def _with_import(self, wanted: _Import) -> Source:
        def refused(reason: str) -> CannotEdit:
            return CannotEdit(f"{self.path}: {reason}", f"Add to {self.path} yourself: {wanted.statement()}")

        joined = self._with_member(wanted, refused)
        after = joined or self._edited([self._new_import(wanted)], refused)
        if not self._has_gained(wanted, after):
            raise refused("it cannot be edited safely")
        return after._in_order(wanted, refused) if joined else after

    def _has_gained(self, wanted: _Import, after: Source) -> bool:
        """Whether another source is this one and an import."""
        was, now = self._imported, after._imported
        place = next((number for number, one in enumerate(was) if now[number : number + 1] != [one]), len(was))
        return (
            now[place : place + 1] == [wanted]
            and now[place + 1 :] == was[place:]
            and self._prints(_no_imports(self.tree.body)) == after._prints(_no_imports(after.tree.body))
        )

    @cached_property
    def _imported(self) -> list[_Import]:
        return [one for node in self.tree.body if isinstance(node, _ImportStatement) for one in _Import.all_of(node)]

    def _with_member(self, wanted: _Import, refused: Callable[[str], CannotEdit]) -> Source | None:
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

    def _adding(self, node: ast.ImportFrom, place: int, name: str) -> list[_Cut]:
        spans = [self._span(alias) for alias in node.names]
        names = [alias.name for alias in node.names]
        at = next((number for number, other in enumerate(names) if _member_key(other) > _member_key(name)), len(names))
        brackets = self._brackets(node)
        if brackets and self._own_line(spans[0][0]):
            items, _ = self._items(node.names, *brackets)
            if at == 0:
                match = _NOT_CODE.match(self.content, brackets[0])
                end = match.end() if match else brackets[0]
                return [(end, end, f"\n{self._indent(spans[0][0])}{name},")]
            item = items[at - 1]
            tail = _LINE_TAIL.match(self.content, item.comma or item.end, brackets[1])
            if tail:
                text = f"\n{self._indent(item.start)}{name}"
                if item.comma:
                    return [(tail.start("newline"), tail.start("newline"), text + ",")]
                if tail.start("newline") == item.end:
                    return [(item.end, item.end, "," + text)]
                return [(item.end, item.end, ","), (tail.start("newline"), tail.start("newline"), text)]
        cut = (spans[0][0], spans[0][0], f"{name}, ") if at == 0 else (spans[at - 1][1], spans[at - 1][1], f", {name}")
        line = self._line(self._span(node)[0])
        if node.lineno != node.end_lineno or _width(self.content[slice(*line)].decode() + cut[2]) <= WIDTH:
            return [cut]
        listed = "".join(f"\n{_INDENT}{other}," for other in [*names[:at], name, *names[at:]]) + "\n"
        if brackets:
            return [(*brackets, listed)]
        row = next(row for row in self._rows if row.first <= place <= row.last)
        comment = self.content[row.stop : self._row_end(row)].decode()
        if row.first != row.last or not comment.strip().startswith("#"):
            return [(spans[0][0], spans[-1][1], f"({listed})")]
        return [(spans[0][0], self._row_end(row), f"({comment}{listed})")]

    def _new_import(self, wanted: _Import) -> _Cut:
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

    def _block(self) -> list[_Row]:
        """The first imports of the module that nothing but comments comes between."""
        imports = [isinstance(node, _ImportStatement) for node in self.tree.body]
        runs = groupby(self._rows, lambda row: all(imports[row.first : row.last + 1]))
        return next((list(run) for only_imports, run in runs if only_imports), [])

    def _imports_of(self, row: _Row) -> list[_ImportStatement]:
        statements = self.tree.body[row.first : row.last + 1]
        return [statement for statement in statements if isinstance(statement, _ImportStatement)]

    def _first_import(self, text: str) -> _Cut:
        """Where an import goes in a module that has none."""
        rows = self._rows
        documented = bool(rows) and _is_docstring(self.tree.body[0])
        following = rows[1] if documented and len(rows) > 1 else rows[0] if rows and not documented else None
        size = len(self.content)
        end = self._row_end(rows[0]) if documented else self._lines[0] - 1
        lines = self._between(end, self._line(following.start)[0] if following else size)
        if not documented:
            attached = _count_back(lines, lambda line: not self._is_comment(line)) if following else 0
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
        blank = _count_back(lines[::-1], self._is_comment)
        if blank == len(lines) and following is None:
            return end, lines[-1][1] if lines else end, f"\n\n{text}"
        wanted = self._blank_after_import(lines[blank:], following)
        stop = lines[blank - 1][1] if blank else end
        return end, stop, f"\n\n{text}" + "\n" * wanted

    def _blank_after_import(self, comments: Sequence[tuple[int, int]], following: _Row | None) -> int:
        definition = following is not None and isinstance(self.tree.body[following.first], _Definition)
        return 2 if definition and following and self._attached(comments, following) else 1

    def _in_order(self, wanted: _Import, refused: Callable[[str], CannotEdit]) -> Source:
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
        if self._prints(_no_imports(self.tree.body)) != moved._prints(_no_imports(moved.tree.body)) or sorted(
            map(repr, self._imported)
        ) != sorted(map(repr, moved._imported)):
            raise refused("it cannot be edited safely")
        return moved

    def _all_of(self, row: _Row) -> list[_Import]:
        return [one for node in self._imports_of(row) for one in _Import.all_of(node)]

    def _row_key(self, row: _Row) -> _ImportKey:
        """Where `ruff` sorts the first import of a row."""
        return self._import_key(_Import.all_of(self._imports_of(row)[0])[0])

    def _import_key(self, one: _Import) -> _ImportKey:
        """Where `ruff` sorts an import: its section comes first."""
        first = one.module.partition(".")[0]
        if one.level:
            section = 4
        elif first == "__future__":
            section = 0
        elif first in sys.stdlib_module_names:
            section = 1
        else:
            section = 3 if first in (self.package, _TESTS) else 2
        return (
            section,
            one.member is not None,
            -one.level,
            _natural(one.module.lower()),
            _natural(one.module),
            _member_key(one.member, one.asname) if one.member is not None else (),
            _natural(one.asname or "") if one.member is None else (),
        )

    def _without_imports_of(self, names: Collection[str]) -> Source:
        """Take out the imports of names that were used, and no longer are."""
        if not names or self.path.name == "__init__.py":
            return self
        unused = set(names) - _used(self.tree)
        source = self
        while unused:
            for place, node in enumerate(source.tree.body):
                if isinstance(node, _ImportStatement) and (gone := source._droppable(node, unused)):
                    source = source._without_names(place, node, gone)
                    break
            else:
                break
        return source

    def _droppable(self, node: _ImportStatement, unused: Collection[str]) -> list[int]:
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

    def _without_names(self, place: int, node: _ImportStatement, gone: Sequence[int]) -> Source:
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
        kept = [one for number, one in enumerate(_Import.all_of(node)) if number != gone[0]]
        found = after.tree.body[place] if len(after.tree.body) == len(self.tree.body) else None
        if (
            not isinstance(found, _ImportStatement)
            or _Import.all_of(found) != kept
            or self._prints([*self.tree.body[:place], *self.tree.body[place + 1 :]])
            != after._prints([*after.tree.body[:place], *after.tree.body[place + 1 :]])
        ):
            raise refused("it cannot be edited safely")
        return after


class _Row(NamedTuple):
    """Statements on one line, by their places in the module; their first byte, and the one after their last."""

    first: int
    last: int
    source: Source

    @property
    def start(self) -> int:
        return self.source._span(self.source.tree.body[self.first])[0]

    @property
    def stop(self) -> int:
        return self.source._span(self.source.tree.body[self.last])[1]


@dataclass(frozen=True, slots=True)
class _Item:
    """One of several things between brackets, its own parentheses included; ``comma`` is where its comma ends."""

    start: int
    end: int
    comma: int | None = None

    @property
    def span(self) -> tuple[int, int]:
        return self.start, self.end


class _Import(NamedTuple):
    """One imported name. ``member`` None is ``import module``."""

    level: int
    module: str
    member: str | None
    asname: str | None = None

    @classmethod
    def all_of(cls, node: _ImportStatement) -> list[_Import]:
        if isinstance(node, ast.Import):
            return [cls(0, alias.name, None, alias.asname) for alias in node.names]
        return [cls(node.level, node.module or "", alias.name, alias.asname) for alias in node.names]

    def statement(self) -> str:
        renamed = f" as {self.asname}" if self.asname else ""
        if self.member is None:
            return f"import {self.module}{renamed}"
        head = f"from {'.' * self.level}{self.module} import "
        line = f"{head}{self.member}{renamed}"
        return line if _width(line) <= WIDTH else f"{head}(\n{_INDENT}{self.member}{renamed},\n)"


def _check_text(path: PurePosixPath, content: bytes, first: int) -> None:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = len(_NEWLINE.findall(content[: error.start])) + 1
        raise BrokenSource(f"{path}, line {line}: not UTF-8", "Save it as UTF-8, then run this again.") from error
    if b"\0" in content:
        line = len(_NEWLINE.findall(content[: content.index(b"\0")])) + 1
        raise BrokenSource(f"{path}, line {line}: a NUL byte", _MEND)
    for number, text in enumerate(_NEWLINE.split(content[first:], 2)[:2], 1):
        cookie = _COOKIE.match(text)
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
        if cookie or not _NOT_CODE.fullmatch(text):
            return


def _at(line: int | None) -> str:
    return "" if line is None else f", line {line}"


def _bindings(statement: ast.stmt, *, walrus: bool, functions: bool) -> Iterator[tuple[str, _Binder, bool]]:
    """What a statement of a module binds of the module's names: name, what binds it, whether the statement does itself.

    Args:
        walrus: whether expressions may bind, too.
        functions: whether a function may bind what it declares ``global``.
    """
    stack: list[tuple[ast.AST, bool]] = [(statement, True)]
    while stack:
        node, top = stack.pop()
        inside: list[ast.AST | None] = []
        match node:
            case ast.Import():
                for alias in node.names:
                    yield alias.asname or alias.name.partition(".")[0], node, top
            case ast.ImportFrom():
                for alias in node.names:
                    yield alias.asname or alias.name, node, top
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node, top
                if functions:
                    for child in ast.walk(node):
                        if isinstance(child, ast.Global):
                            yield from ((name, child, False) for name in child.names)
            case ast.Lambda():
                pass
            case ast.comprehension(iter=value, ifs=conditions):
                inside += [value, *conditions]
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    if isinstance(target, ast.Name):
                        yield target.id, node, top
                    else:
                        inside.append(target)
                inside += [value] if walrus else []
            case ast.AnnAssign(target=target, value=value):
                if isinstance(target, ast.Name) and value is not None:
                    yield target.id, node, top
                inside += [value] if walrus else []
            case ast.TypeAlias(name=ast.Name(id=name)):
                yield name, node, top
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name, node, False
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                yield name, node, False
                inside += ast.iter_child_nodes(node)
            case ast.ExceptHandler(name=str(name)):
                yield name, node, False
                inside += ast.iter_child_nodes(node)
            case ast.Expr() if not walrus:
                pass
            case _:
                inside += ast.iter_child_nodes(node)
        stack.extend((child, False) for child in reversed(inside) if child is not None)


def _defined(statement: ast.stmt) -> list[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [node.id for target in targets for node in _unpacked(target) if isinstance(node, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.TypeAlias(name=ast.Name(id=name)):
            return [name]
    return []


def _unpacked(target: ast.expr) -> Iterator[ast.expr]:
    if isinstance(target, ast.Tuple | ast.List):
        for inner in target.elts:
            yield from _unpacked(inner.value if isinstance(inner, ast.Starred) else inner)
    else:
        yield target


def _no_imports(statements: Iterable[ast.stmt]) -> list[ast.stmt]:
    return [statement for statement in statements if not isinstance(statement, _ImportStatement)]


def _is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and (isinstance(statement.value.value, str))
    )


def _element(text: str) -> ast.expr:
    value = ast.parse(f"[{text}\n]", mode="eval").body
    if not isinstance(value, ast.List) or len(value.elts) != 1:
        raise ValueError(f"{text!r} is not one element")
    return value.elts[0]


def _dumps(statements: Iterable[ast.stmt]) -> list[str]:
    return [ast.dump(statement) for statement in statements]


def _loaded(nodes: Iterable[ast.AST]) -> set[str]:
    return {child.id for node in nodes for child in ast.walk(node) if isinstance(child, ast.Name)}


def _used(tree: ast.Module) -> set[str]:
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


_TYPING_CALLS = frozenset({"cast", "TypeVar", "NewType", "ForwardRef", "append", "extend"})


def _is_all(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) and target.id == "__all__"


def _count_back(lines: Sequence[tuple[int, int]], stop: Callable[[tuple[int, int]], bool]) -> int:
    """How many lines at the end are not what *stop* looks for."""
    count = 0
    while count < len(lines) and not stop(lines[-1 - count]):
        count += 1
    return count


def _join(module: str, name: str) -> str:
    return f"{module}.{name}" if module else name


def _width(text: str) -> int:
    """How many columns a line takes."""
    return (
        len(text)
        if text.isascii()
        else sum(
            2 if unicodedata.east_asian_width(one) in "WF" else 0 if unicodedata.combining(one) else 1 for one in text
        )
    )


def _laid_out(element: str, indent: str) -> str:
    """An element of a list over several lines: a call that does not fit is broken up as the formatter would."""
    if "\n" in element:
        return element.replace("\n", f"\n{indent}")
    if _width(f"{indent}{element},") <= WIDTH:
        return element
    call = _element(element)
    inner = indent + _INDENT
    if not isinstance(call, ast.Call) or not (call.args or call.keywords):
        return element
    arguments: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
    arguments.sort(key=lambda node: node.col_offset)
    # The element was parsed behind one bracket.
    parts = [element.encode()[node.col_offset - 1 : (node.end_col_offset or 0) - 1].decode() for node in arguments]
    head = element.encode()[: arguments[0].col_offset - 1].decode()
    if head.rstrip()[-1:] != "(" or ast.dump(_element(f"{head}{', '.join(parts)})")) != ast.dump(call):
        return element
    if _width(inner + ", ".join(parts)) <= WIDTH:
        return f"{head}\n{inner}{', '.join(parts)}\n{indent})"
    return f"{head}\n" + "".join(f"{inner}{part},\n" for part in parts) + f"{indent})"


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
