"""The tables of a service, as `db/models.py` declares them: classes with `Mapped` columns."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from resonate_scaffold.edit.source import Source
from resonate_scaffold.fields import Field
from resonate_scaffold.shape import Shape
from resonate_scaffold.shapes import Types

_ENTITY = "runtime.columns.Entity"
_MAPPED = "!sqlalchemy.orm.Mapped"
_COLUMN = "!sqlalchemy.orm.mapped_column"
_FILLED = frozenset({"default", "default_factory", "server_default", "insert_default", "onupdate"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column: ``field`` has its type, without None. ``filled``: a new row may leave it out."""

    field: Field
    nullable: bool
    primary: bool
    filled: bool
    refers: bool

    @property
    def name(self) -> str:
        return self.field.name


@dataclass(frozen=True, slots=True)
class Table:
    """A class of `db/models.py`, and its columns in their order."""

    name: str
    columns: Mapping[str, Column]

    @property
    def key(self) -> tuple[Column, ...]:
        """The columns of its primary key."""
        return tuple(column for column in self.columns.values() if column.primary)


def tables_of(source: Source, types: Types, runtime: Source) -> dict[str, Table]:
    """The tables of a module, by class. A class without a `__tablename__` lends its columns to its subclasses.

    ``runtime`` is its `columns.py`, which has the columns of every entity; SQLAlchemy counts their versions.
    """
    classes = {node.name: node for node in source.tree.body if isinstance(node, ast.ClassDef)}
    found: dict[str, Table] = {}
    for name, node in classes.items():
        line = [*_line(node, classes, ())]
        columns: dict[str, Column] = {}
        if any(source.qualified(base) == _ENTITY for class_ in line for base in class_.bases):
            entity = next(it for it in runtime.tree.body if isinstance(it, ast.ClassDef) and it.name == "Entity")
            columns = {it.name: replace(it, filled=not it.primary) for it in _columns(entity, runtime, types)}
        columns |= {it.name: it for class_ in line for it in _columns(class_, source, types)}
        if any(_assigns(statement, "__tablename__") for statement in node.body) and columns:
            found[name] = Table(name, columns)
    return found


def _line(
    node: ast.ClassDef, classes: Mapping[str, ast.ClassDef], seen: tuple[ast.ClassDef, ...]
) -> Iterator[ast.ClassDef]:
    """A class behind those that it inherits from, as far as they are of this module."""
    for base in node.bases:
        above = classes.get(base.id) if isinstance(base, ast.Name) else None
        if above is not None and above not in (*seen, node):
            yield from _line(above, classes, (*seen, node))
    yield node


def _columns(node: ast.ClassDef, source: Source, types: Types) -> Iterator[Column]:
    for statement in node.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=ast.Subscript(value=mapped, slice=kind)):
                if source.qualified(mapped) == _MAPPED:
                    yield _column(name, kind, statement.value, source, types)


def _column(name: str, kind: ast.expr, made: ast.expr | None, source: Source, types: Types) -> Column:
    inner, nullable = kind, False
    match kind:
        case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
            inner, nullable = left, True
    call = made if isinstance(made, ast.Call) and source.qualified(made.func) == _COLUMN else None
    given = {it.arg: it.value for it in call.keywords} if call else {}
    calls = [it for it in call.args if isinstance(it, ast.Call)] if call else []
    rules: dict[str, Any] = {}
    for it in calls:
        if source.qualified(it.func) == "!sqlalchemy.String" and it.args and isinstance(it.args[0], ast.Constant):
            rules["max_length"] = it.args[0].value
    shape = types.shape(inner, source)
    if rules:
        shape = Shape("alias", ast.unparse(inner), of=shape, rules=rules)
    primary = _is_true(given.get("primary_key"))
    counted = primary and shape.kind == "scalar" and shape.name == "int"
    return Column(
        Field(name, shape, annotation=inner, source=source),
        nullable,
        primary,
        nullable or counted or bool(_FILLED & given.keys()),
        any(source.qualified(it.func) == "!sqlalchemy.ForeignKey" for it in calls),
    )


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _assigns(statement: ast.stmt, name: str) -> bool:
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return any(isinstance(it, ast.Name) and it.id == name for it in targets)
