"""Elements of module-level lists: appended and taken out."""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Self

from resonate_scaffold.edit.imports import Import, ImportEdits
from resonate_scaffold.edit.names import ImportStatement, loaded_names
from resonate_scaffold.edit.text import GAP, INDENT, NEWLINE, Cut, Item, width_of
from resonate_scaffold.errors import CannotEdit
from resonate_scaffold.layout import WIDTH


class ListEdits(ImportEdits):
    """A layer of :class:`~resonate_scaffold.edit.source.Source`."""

    def wire(
        self, into: str, imports: Sequence[tuple[str, str | None]], element: Callable[[Sequence[str]], str]
    ) -> Self:
        """Append to the list *into* an element that is made of imported names; ``element`` gives its text.

        Raises:
            CannotEdit: the list cannot be edited; the hint has the lines to paste, imports included.
        """
        bound = self
        locals_: list[str] = []
        needed: list[Import] = []
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

    def _append_imported(self, into: str, element: str, wanted: Import) -> Self:
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
            or not isinstance(new := around[added[0]], ImportStatement)
            or Import.all_of(new) != [wanted]
            or not isinstance(grown, ast.List)
            or [ast.dump(node) for node in grown.elts] != [ast.dump(n) for n in (*value.elts[-2:], _element(element))]
        ):
            raise refused(f"{into} cannot be edited safely")
        return replace(self, content=content, undo=undo)

    def _read_again(self, cuts: Iterable[Cut], start: int, end: int, before: str = "") -> list[ast.stmt]:
        """The statements between two offsets as some cuts leave them; ``before`` is put in front of them."""
        content = self.content[:end]
        for first, last, text in sorted(cuts, reverse=True):
            content = content[:first] + text.encode() + content[last:]
        try:
            return ast.parse(before.encode() + content[start:]).body
        except SyntaxError:
            return []

    def append_to_list(self, name: str, element: str) -> Self:
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
        for used in loaded_names([wanted]):
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

    def _is_grown(self, value: ast.List, statement: ast.stmt | None, after: Self, element: ast.expr) -> bool:
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
                return [(inner, close, f"\n{INDENT}{_laid_out(element, INDENT)},\n")]
            last = comments[-1]
            indent = self._indent(last.start()) if self._own_line(last.start()) else INDENT
            return [(last.end(), last.end(), f"\n{indent}{_laid_out(element, indent)},")]
        last_item = items[-1]
        if not broken:
            at = last_item.comma or last_item.end
            text = f" {element}," if last_item.comma else f", {element}"
            line = self.content[slice(*self._line(at))].decode()
            if "\n" not in element and width_of(line + text) <= WIDTH:
                return [(at, at, text)]
            joints = [(left.end, right.start, f",\n{INDENT}") for left, right in pairwise(items)]
            return [
                (inner, items[0].start, f"\n{INDENT}"),
                *joints,
                (last_item.end, close, f",\n{INDENT}{_laid_out(element, INDENT)},\n"),
            ]
        first_line = self._line(last_item.start)[0] == self._line(start)[0]
        indent = INDENT if first_line else self._indent(last_item.start)
        text = f"\n{indent}{_laid_out(element, indent)}"
        at = last_item.comma or last_item.end
        comments = [match for match in GAP.finditer(self.content, at, close) if match["comment"]]
        if comments:
            at = comments[-1].end()
        if last_item.comma:
            return [(at, at, text + ",")]
        alone = len(value.elts) == 1
        if alone and (b"#" in self.content[inner:close] or NEWLINE.search(self.content, *last_item.span)):
            text += ","  # one element that has comments or several lines is all that the formatter leaves without
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


def _laid_out(element: str, indent: str) -> str:
    """An element of a list over several lines: a call that does not fit is broken up as the formatter would."""
    if "\n" in element:
        return element.replace("\n", f"\n{indent}")
    if width_of(f"{indent}{element},") <= WIDTH:
        return element
    call = _element(element)
    inner = indent + INDENT
    if not isinstance(call, ast.Call) or not (call.args or call.keywords):
        return element
    arguments: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
    arguments.sort(key=lambda node: node.col_offset)
    # The element was parsed behind one bracket.
    parts = [element.encode()[node.col_offset - 1 : (node.end_col_offset or 0) - 1].decode() for node in arguments]
    head = element.encode()[: arguments[0].col_offset - 1].decode()
    if head.rstrip()[-1:] != "(" or ast.dump(_element(f"{head}{', '.join(parts)})")) != ast.dump(call):
        return element
    if width_of(inner + ", ".join(parts)) <= WIDTH:
        return f"{head}\n{inner}{', '.join(parts)}\n{indent})"
    return f"{head}\n" + "".join(f"{inner}{part},\n" for part in parts) + f"{indent})"
