"""Edits of Python that people have written.

A place is found by syntax tree; bytes are spliced; the result is read again, and counts only if its tree is the old
one plus or minus exactly what was asked for. Whatever an edit does not own stays as it is: comments, formatting, line
ends, a byte order mark, a missing newline at the end. What is inserted is not laid out: see `formatting`.
"""

from __future__ import annotations

import ast
from collections.abc import Collection
from dataclasses import dataclass

from resonate_scaffold.edit.members import MemberEdits
from resonate_scaffold.edit.names import defined_by, dumped, loaded_names
from resonate_scaffold.errors import CannotEdit


@dataclass(frozen=True)
class Source(MemberEdits):
    """One Python file. Every edit returns another.

    Modules are named without the service's package (``contracts.workflows``); a leading ``!`` marks what is not the
    service's (``!pydantic``). Names of a module are qualified by it: ``contracts.workflows.place_order``.
    """

    def append(self, text: str) -> Source:
        """Append statements to the module, after everything that is there.

        Raises:
            CannotEdit: the result would not be the module plus the statements.
        """

        def refused(reason: str) -> CannotEdit:
            return CannotEdit(f"{self.path}: {reason}", f"Add to the end of {self.path} yourself:\n{text}")

        text = text.strip("\n") + "\n"
        added = ast.parse(text).body
        after = self._edited([(len(self.content), len(self.content), self._spacing() + text)], refused)
        count = len(self.tree.body)
        if self._prints(self.tree.body) != after._prints(after.tree.body[:count]) or dumped(added) != dumped(
            after.tree.body[count:]
        ):
            raise refused("it cannot be appended to safely")
        return after

    def remove_definitions(self, names: Collection[str]) -> Source:
        """Take definitions out of the module, the comments right above them, and imports that only they needed.

        Raises:
            CannotEdit: one of the names is bound in another way, or together with another name.
        """
        gone: list[int] = []
        for place, statement in enumerate(self.tree.body):
            defined = defined_by(statement)
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
        return source._without_imports_of(loaded_names(self.tree.body[place] for place in gone))
