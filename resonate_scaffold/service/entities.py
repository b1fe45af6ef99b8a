"""The entities of a service: the classes of `db/models.py` whose rows have an id and a version."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resonate_scaffold import layout
from resonate_scaffold.code.facts import Place
from resonate_scaffold.code.scopes import ProgramClass
from resonate_scaffold.code.values import Class, Constant

if TYPE_CHECKING:
    from resonate_scaffold.service.service import Service

_BASE = "Entity"  # of the runtime's `columns.py`
ROW = "Row"  # What the class of an entity's rows ends in.


@dataclass(frozen=True, slots=True)
class EntityField:
    """A column: ``refers`` is the table that it refers to."""

    name: str
    type: str
    unique: bool
    refers: str | None
    place: Place


@dataclass(frozen=True, slots=True)
class EntityTable:
    """An entity: ``name`` as `add entity` takes it, ``table`` as far as it can be read."""

    name: str
    table: str | None
    fields: tuple[EntityField, ...]
    place: Place


def read_entities(service: Service) -> tuple[EntityTable, ...]:
    """Every entity, by name."""
    path = service.path_of("db.models")
    classes = service.program.modules[path].classes if path is not None else []
    found = [_entity(service, it) for it in classes if _is_entity(service, it)]
    return tuple(sorted(found, key=lambda it: it.name))


def _is_entity(service: Service, class_: ProgramClass) -> bool:
    values = (service.near.evaluate.value(base, class_.outer) for base in class_.node.bases)
    known = (value.class_ for value in values if isinstance(value, Class))
    return any(base.name == _BASE and base.module.path.parts[1:] == ("runtime", "columns.py") for base in known)


def _entity(service: Service, class_: ProgramClass) -> EntityTable:
    words = "".join(f"-{char.lower()}" if char.isupper() else char for char in class_.name.removesuffix(ROW))
    _, given = class_.fields.get("__tablename__", (None, None))
    table = service.near.evaluate.value(given, class_.outer) if given is not None else None
    name = table.value if isinstance(table, Constant) and isinstance(table.value, str) else None
    place = Place.of(class_.outer, class_.node)
    return EntityTable(words.strip("-"), name, tuple(_fields(service, class_)), place)


def _fields(service: Service, class_: ProgramClass) -> Iterator[EntityField]:
    for name, (annotation, value) in class_.fields.items():
        if not isinstance(annotation, ast.Subscript):
            continue
        calls = [node for node in ast.walk(value) if isinstance(node, ast.Call)] if value is not None else []
        keywords = {it.arg: it.value for call in calls for it in call.keywords}
        unique = isinstance(keywords.get("unique"), ast.Constant) and bool(ast.literal_eval(keywords["unique"]))
        keys = [call for call in calls if ast.unparse(call.func).rpartition(".")[2] == "ForeignKey" and call.args]
        column = service.near.evaluate.text(keys[0].args[0], class_.outer) if keys else None
        text = layout.expression(annotation.slice, lambda node: None)
        refers = column.rpartition(".")[0] if column else None
        yield EntityField(name, text, unique, refers, Place.of(class_.outer, annotation))
