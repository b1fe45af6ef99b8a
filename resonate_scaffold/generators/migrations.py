"""The migrations of a service: which there are, and how a new one stands behind them."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from resonate_scaffold import layout
from resonate_scaffold.edit.source import Source
from resonate_scaffold.errors import CannotEdit
from resonate_scaffold.project import Added, Project

_LONGEST = 32  # of a revision: Alembic's own column is no longer
LONGEST_NAME = 63
"""Characters of the name of a table, index or constraint: Postgres cuts longer ones."""


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration: ``revision`` is its id, ``after`` are those that it stands on, more than one where it merges."""

    path: PurePosixPath
    revision: str
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """Where a new migration stands: its file, its id, and what it is written behind."""

    path: PurePosixPath
    revision: str
    after: tuple[str, ...]

    @property
    def down_revision(self) -> str:
        """As the file says it."""
        texts = ", ".join(map(layout.text, self.after))
        return "None" if not self.after else texts if len(self.after) == 1 else f"({texts})"

    @property
    def options(self) -> Mapping[str, Any]:
        """As it is recorded: made again, the file is the same."""
        return {"migration": self.revision, "after": list(self.after)}


def versions(project: Project) -> PurePosixPath:
    """The directory of the migrations."""
    return PurePosixPath(project.package, "db", "migrations", "versions")


def migrations(project: Project) -> list[Migration]:
    """Every migration, by its file's name.

    Raises:
        CannotEdit: a file does not say as literals which migration it is.
        BrokenSource: a file cannot be read.
    """
    found: list[Migration] = []
    for path in project.files.below(versions(project)):
        values = _literals(Source.parse(path, project.files[path], project.package).tree)
        if "revision" not in values:
            continue  # an `__init__.py`, say
        after = values.get("down_revision")
        parents = (after,) if isinstance(after, str) else after or ()
        if not isinstance(values["revision"], str) or not all(isinstance(it, str) for it in parents):
            raise CannotEdit(f"{path}: its revision cannot be read", "Write revision and down_revision as texts.")
        found.append(Migration(path, values["revision"], tuple(parents)))
    return found


def heads(found: Collection[Migration]) -> tuple[str, ...]:
    """The migrations that no other one stands on."""
    below = {revision for it in found for revision in it.after}
    return tuple(sorted(it.revision for it in found if it.revision not in below))


def next_step(project: Project, name: str, recorded: Added | None = None) -> Step:
    """A migration behind all that there are; where there are several heads it merges them.

    ``recorded`` is the record of the same ``add``: it stands where it stood.
    """
    if recorded is not None and "migration" in recorded.options:
        revision, after = str(recorded.options["migration"]), tuple(map(str, recorded.options["after"]))
        return Step(versions(project) / f"{revision}.py", revision, after)
    there = migrations(project)
    numbers = [int(match[0]) for it in there if (match := re.match(r"[0-9]{4}(?![0-9a-z])", it.revision))]
    number = max(numbers, default=len(there)) + 1
    revision = f"{number:04}_{name}"[:_LONGEST].rstrip("_")
    return Step(versions(project) / f"{revision}.py", revision, heads(there))


@dataclass(frozen=True, slots=True)
class Reversal:
    """A new migration that takes back another one, the file of which stays."""

    path: PurePosixPath
    content: bytes
    reverses: PurePosixPath


def reversed_step(project: Project, record: Added, gone: Collection[PurePosixPath]) -> Reversal | None:
    """A migration that takes back the one of a record, on which others stand; None where none does.

    Its ``upgrade`` is the other's ``downgrade``. ``gone`` are the files that go.
    """
    revision = record.options.get("migration")
    there = migrations(project)
    mine = next((it for it in there if it.revision == revision), None)
    if mine is None or not any(revision in it.after for it in there if it.path not in gone):
        return None
    source = Source.parse(mine.path, project.files[mine.path], project.package)
    step = next_step(project, f"without_{re.sub(r'^[0-9]+_', '', mine.revision)}")
    text = project.files[mine.path].decode()
    functions = [it for it in source.tree.body if isinstance(it, ast.FunctionDef)]
    bodies = {it.name: ast.get_source_segment(text, it) or "" for it in functions}
    if {"upgrade", "downgrade"} - bodies.keys():
        raise CannotEdit(
            f"{mine.path}: later migrations stand on it, and it cannot be reversed",
            "Write a migration that takes it back, and remove it then.",
        )
    up = bodies["downgrade"].replace("def downgrade", "def upgrade", 1)
    down = bodies["upgrade"].replace("def upgrade", "def downgrade", 1)
    head = f'"""Without {record.kind} {record.name}."""\n\nimport sqlalchemy as sa\nfrom alembic import op\n'
    chain = f"revision = {layout.text(step.revision)}\ndown_revision = {step.down_revision}\n"
    content = f"{head}\n{chain}branch_labels = None\ndepends_on = None\n\n\n{up}\n\n\n{down}\n"
    return Reversal(step.path, content.encode(), mine.path)


def _literals(tree: ast.Module) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for statement in tree.body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                try:
                    found[name] = ast.literal_eval(value)
                except (ValueError, TypeError):
                    found[name] = value
    return found
