"""Elements of module-level lists: appended and taken out."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Self

from resonate_scaffold.edit.imports import ImportEdits
from resonate_scaffold.edit.names import loaded_names
from resonate_scaffold.edit.text import GAP, INDENT, Cut, Item
from resonate_scaffold.errors import CannotEdit


class ListEdits(ImportEdits):
    """A layer of :class:`~resonate_scaffold.edit.source.Source`."""

    def wire(
        self, into: str, imports: Sequence[tuple[str, str | None]], element: Callable[[Sequence[str]], str]
    ) -> Self:
        """Append to the list *into* an element that is made of imported names; ``element`` gives its text.

        In a list over several lines it gets a line of its own, after the comments that follow the last element.

        Raises:
            CannotEdit: it is not a plain list, is bound more than once or not at all, or stands above the imports that
                the element needs. The hint has the lines to paste, imports included.
        """
        written, needed = self._bindings((module, name, None) for module, name in imports)
        text = element(written)

        def refused(reason: str) -> CannotEdit:
            lines = [*(one.statement() for one in needed), f"{text},"]
            pasted = "".join(f"\n    {line}" for part in lines for line in part.splitlines())
            hint = f"Paste this into {self.path}, then run the command again:{pasted}"
            return CannotEdit(f"{self.path}: {reason}", hint)

        index, value = self._list(into, refused)
        statement = self.tree.body[index]
        for used in loaded_names([_element(text)]) - {one.local for one in needed}:
            places = [node for bound, node, _ in self._bound if bound == used]
            if places and all(node.lineno > statement.lineno for node in places):
                raise refused(f"{used} is bound below {into}")
        cuts = self._appending(value, text)
        if not self._is_grown(value, cuts, _element(text)):
            raise refused(f"{into} cannot be edited safely")
        if needed:
            imported = self._new_imports(needed)
            if max(imported)[1] > self._span(statement)[0]:
                raise refused(f"{needed[0].local} would be bound below {into}")
            cuts += imported
        return replace(self, content=self._cut(cuts))

    def _is_grown(self, value: ast.List, cuts: Iterable[Cut], element: ast.expr) -> bool:
        """Whether cuts make of a list what it was and one more element.

        Of a long list only the last two elements are read again, unless they have parentheses: thousands take long.
        """
        end = self._span(value)[1]
        ways = [(self._span(value)[0] + 1, value.elts)]
        if len(value.elts) > 2:
            ways.insert(0, (self._span(value.elts[-2])[0], value.elts[-2:]))
        for start, kept in ways:
            if min(first for first, _, _ in cuts) < start:
                continue
            shifted = [(first - start, last - start, text) for first, last, text in cuts]
            content = replace(self, content=self.content[start:end])._cut(shifted)
            try:
                grown = ast.parse(b"[" + content, mode="eval").body
            except SyntaxError:
                continue
            return isinstance(grown, ast.List) and [*map(ast.dump, grown.elts)] == [*map(ast.dump, (*kept, element))]
        return False

    def remove_from_list(self, name: str, key: str) -> Self:
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
        return source._without_imports_of(loaded_names(value.elts[place] for place in gone))

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

    def _appending(self, value: ast.List, element: str) -> list[Cut]:
        start, end = self._span(value)
        inner, close = start + 1, end - 1
        # In a list over several lines the last two elements tell enough, and there may be thousands.
        items: list[Item] = []
        broken = False
        if len(value.elts) > 2:
            items, broken = self._items(value.elts[-2:], self._span(value.elts[-2])[0], close)
        if not broken:
            items, broken = self._items(value.elts, inner, close)
        if not items:
            comments = [match for match in GAP.finditer(self.content, inner, close) if match["comment"]]
            if not comments:
                return [(inner, close, f"\n{INDENT}{_indented(element, INDENT)},\n")]
            last = comments[-1]
            indent = self._indent(last.start()) if self._own_line(last.start()) else INDENT
            return [(last.end(), last.end(), f"\n{indent}{_indented(element, indent)},")]
        last_item = items[-1]
        at = last_item.comma or last_item.end
        if not broken:
            return [(at, at, f" {element}," if last_item.comma else f", {element}")]
        first_line = self._line(last_item.start)[0] == self._line(start)[0]
        indent = INDENT if first_line else self._indent(last_item.start)
        text = f"\n{indent}{_indented(element, indent)}"
        comments = [match for match in GAP.finditer(self.content, at, close) if match["comment"]]
        if comments:
            at = comments[-1].end()
        if last_item.comma:
            return [(at, at, text + ",")]
        if at == last_item.end:
            return [(at, at, "," + text)]
        return [(last_item.end, last_item.end, ","), (at, at, text)]

    def _without_element(self, index: int, place: int, refused: Callable[[str], CannotEdit]) -> Self:
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


def _element(text: str) -> ast.expr:
    value = ast.parse(f"[{text}\n]", mode="eval").body
    if not isinstance(value, ast.List) or len(value.elts) != 1:
        raise ValueError(f"{text!r} is not one element")
    return value.elts[0]


def _indented(element: str, indent: str) -> str:
    """An element, its further lines indented as those of a list are."""
    return element.replace("\n", f"\n{indent}")
