"""The tables of a service, as `db/models.py` declares them: classes with `Mapped` columns."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from resonate_scaffold.edit.source import Source
from resonate_scaffold.fields import Field
from resonate_scaffold.shape import Shape
from resonate_scaffold.shapes import Types

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


def tables_of(source: Source, types: Types, module: Callable[[str], Source | None]) -> dict[str, Table]:
    """The tables of a module, by class. A class without a `__tablename__` lends its columns to its subclasses.

    ``module`` reads another module of the service, such as `runtime.columns`; None where there is none.
    """
    found: dict[str, Table] = {}
    for name, node in _classes(source).items():
        columns = {it.name: it for class_, of in _line(node, source, module, ()) for it in _columns(class_, of, types)}
        if any(_assigns(statement, "__tablename__") for statement in node.body) and columns:
            found[name] = Table(name, columns)
    return found


def _classes(source: Source) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in source.tree.body if isinstance(node, ast.ClassDef)}


def _line(
    node: ast.ClassDef, source: Source, module: Callable[[str], Source | None], seen: tuple[ast.ClassDef, ...]
) -> Iterator[tuple[ast.ClassDef, Source]]:
    """A class behind those of the service that it inherits from, each with its module."""
    own = _classes(source)
    for base in node.bases:
        there: Source | None = source
        above = own.get(base.id) if isinstance(base, ast.Name) else None
        if above is None and (name := source.qualified(base)) is not None and not name.startswith("!"):
            there = module(name.rpartition(".")[0])
            above = _classes(there).get(name.rpartition(".")[2]) if there is not None else None
        if above is not None and there is not None and above not in (*seen, node):
            yield from _line(above, there, module, (*seen, node))
    yield node, source


def _columns(node: ast.ClassDef, source: Source, types: Types) -> Iterator[Column]:
    for statement in node.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=ast.Subscript(value=mapped, slice=kind)):
                if source.qualified(mapped) == _MAPPED:
                    column = _column(name, kind, statement.value, source, types)
                    yield replace(column, filled=True) if name in _versions(node) else column


def _versions(node: ast.ClassDef) -> set[str]:
    """The columns in which SQLAlchemy counts a row's versions."""
    pairs = [pair for it in ast.walk(node) if isinstance(it, ast.Dict) for pair in zip(it.keys, it.values, strict=True)]
    counted = [value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "version_id_col"]
    names = {it.attr for it in counted if isinstance(it, ast.Attribute)}
    return names | {it.id for it in counted if isinstance(it, ast.Name)}


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
