"""Fields of classes: one appended, one taken out."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Self

from resonate_scaffold.edit.lists import ListEdits
from resonate_scaffold.edit.names import loaded_names
from resonate_scaffold.edit.statements import is_docstring
from resonate_scaffold.edit.text import LINE_TAIL
from resonate_scaffold.errors import CannotEdit


class MemberEdits(ListEdits):
    """A layer of :class:`~resonate_scaffold.edit.source.Source`."""

    def append_field(self, class_: str, text: str, *, behind: str | None = None) -> Self:
        """Append an annotated field to a class of the module, behind the fields that it has, or one of them.

        Raises:
            CannotEdit: there is no such class, or more than one; or it has the field already.
        """

        def refused(reason: str) -> CannotEdit:
            return CannotEdit(f"{self.path}: {reason}", f"Add to class {class_} in {self.path} yourself:\n{text}")

        added = ast.parse(text).body[0]
        body = self._class(class_, refused).body
        if _name_of(added) in {_name_of(statement) for statement in body}:
            raise refused(f"{class_} has {_name_of(added)} already")
        fields = [place for place, statement in enumerate(body) if isinstance(statement, ast.AnnAssign)]
        data = [place for place, it in enumerate(body) if is_docstring(it) or isinstance(it, ast.Assign)]
        wanted = [place for place in fields if _name_of(body[place]) == behind]
        place = max(wanted or fields or data, default=len(body) - 1)
        if fields and place + 1 < len(body) and is_docstring(body[place + 1]):
            place += 1  # What explains the field above it.
        start, end = self._span(body[place])
        if not self._own_line(start):
            raise refused(f"class {class_} is written on one line")
        indent = self._indent(start)
        tail = LINE_TAIL.match(self.content, end)
        at = self._line(end)[1] if tail or end == len(self.content) else end
        blank = "" if fields else "\n"
        written = text.replace("\n", f"\n{indent}")
        after = self._edited([(at, at, f"\n{blank}{indent}{written}")], refused)
        self._check_body(after, class_, [*body[: place + 1], added, *body[place + 1 :]], refused)
        return after

    def remove_field(self, class_: str, name: str) -> Self:
        """Take a field out of a class, and the imports that only it needed; nothing where there is no such field.

        Raises:
            CannotEdit: it shares its line with something else.
        """

        def refused(reason: str) -> CannotEdit:
            return CannotEdit(f"{self.path}: {reason}", f"Take {name} out of class {class_} in {self.path} yourself.")

        if class_ not in self.definitions():
            return self
        body = self._class(class_, refused).body
        gone = [statement for statement in body if _name_of(statement) == name]
        if len(gone) != 1:
            return self
        start, end = self._span(gone[0])
        tail = LINE_TAIL.match(self.content, end)
        if not self._own_line(start) or (tail is None and end != len(self.content)):
            raise refused(f"{name} shares its line with something else")
        first = self._line(start)[0]
        rest = [statement for statement in body if statement is not gone[0]]
        above = body[: body.index(gone[0])]
        if above and not any(
            isinstance(statement, ast.AnnAssign) for statement in rest
        ):  # With the blank line above it.
            first = self._line(self._span(above[-1])[1])[1] + len(self._newline)
        instead = "" if rest else f"{self._indent(start)}pass\n"
        after = self._edited([(first, tail.end() if tail else end, instead)], refused)
        self._check_body(after, class_, rest or ast.parse("pass").body, refused)
        return after._without_imports_of(loaded_names(gone))

    def _class(self, name: str, refused: Callable[[str], CannotEdit]) -> ast.ClassDef:
        bound = [node for found, node, _ in self._bound if found == name]
        if len(bound) != 1 or not isinstance(bound[0], ast.ClassDef):
            raise refused(f"there is no class {name}" if not bound else f"{name} is not just one class")
        return bound[0]

    def _check_body(self, after: Self, class_: str, body: list[ast.stmt], refused: Callable[[str], CannotEdit]) -> None:
        """See that a class has this body, and that nothing else has changed."""
        places = range(len(self.tree.body))
        place = next(at for at in places if self.tree.body[at] is self._class(class_, refused))
        same = len(after.tree.body) == len(self.tree.body) and all(
            ast.dump(self.tree.body[at]) == ast.dump(after.tree.body[at]) for at in places if at != place
        )
        now = after._class(class_, refused)
        if not same or [ast.dump(it) for it in now.body] != [ast.dump(it) for it in body]:
            raise refused(f"class {class_} cannot be edited safely")


def _name_of(statement: ast.stmt) -> str | None:
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
            return name
    return None
