"""What `list --repair` finds of the database that `add` may have made: entities, fields of them, queries."""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import PurePosixPath
from typing import Any

from resonate_scaffold.errors import ScaffoldError
from resonate_scaffold.fields import Field
from resonate_scaffold.generators.entities import Ref
from resonate_scaffold.generators.migrations import Migration, migrations
from resonate_scaffold.names import Noun
from resonate_scaffold.project import Edited
from resonate_scaffold.service.entities import EntityField, EntityTable, read_entities
from resonate_scaffold.service.service import Service
from resonate_scaffold.service.things import Query
from resonate_scaffold.shape import Shape
from resonate_scaffold.shapes import Types

Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """Something that `add` may have made: its files, its elements and definitions, and requests that could be it.

    ``starts`` is what its ids begin with, by the workflow that they are of: a webhook's KINDS may have that.
    """

    kind: str
    name: str
    files: tuple[str, ...]
    edits: Mapping[str, Edited]
    options: tuple[Options, ...]
    starts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Step:
    """A migration that makes a table, or gives one a column."""

    migration: Migration
    makes: bool
    table: str
    columns: tuple[str, ...]
    unique: tuple[str, ...]

    @property
    def options(self) -> Options:
        return {"migration": self.migration.revision, "after": list(self.migration.after)}


def test_of(name: str) -> PurePosixPath:
    """The test of something that was added."""
    return PurePosixPath("tests", f"test_{name}.py")


def existing(service: Service, *paths: PurePosixPath | None) -> tuple[str, ...]:
    """Those of these files that are there."""
    return tuple(str(path) for path in paths if path is not None and path in service.project.files)


def typed(fields: Iterable[Field]) -> list[str]:
    """Fields as they are typed on the command line, with the bounds that code spells in place."""

    def of_no_name(shape: Shape) -> Shape:
        return replace(shape, name="") if shape.kind == "alias" and "[" in shape.name else shape

    shapes = (
        (it, replace(it.shape, of=of_no_name(it.shape.inner)) if it.shape.kind == "optional" else of_no_name(it.shape))
        for it in fields
    )
    return [replace(field, shape=shape).spelled for field, shape in shapes]


def entities_and_fields(service: Service) -> Iterator[Found]:
    """In the order of their migrations, so that what an entity refers to comes first."""
    tables = {entity.table: entity for entity in read_entities(service) if entity.table is not None}
    if not tables:
        return
    with contextlib.suppress(ScaffoldError):  # a migration or a model cannot be read
        for step in sorted(_steps(service), key=lambda it: it.migration.revision):
            if entity := tables.get(step.table):
                yield from (_entity if step.makes else _field)(service, tables, entity, step)


def _steps(service: Service) -> Iterator[_Step]:
    for migration in migrations(service.project):
        source = service.source(migration.path)
        upgrade = source.definitions().get("upgrade")
        calls = [it for it in ast.walk(upgrade) if isinstance(it, ast.Call)] if upgrade is not None else []
        texts = [
            (call.func.attr, [it.value for it in call.args if isinstance(it, ast.Constant)])
            for call in calls
            if isinstance(call.func, ast.Attribute)
        ]
        tables = [(what, given[0]) for what, given in texts if what in ("create_table", "batch_alter_table") and given]
        if len(tables) == 1 and isinstance(tables[0][1], str):
            columns = tuple(str(given[0]) for what, given in texts if what == "Column" and given)
            unique = tuple(",".join(map(str, given)) for what, given in texts if what == "UniqueConstraint")
            yield _Step(migration, tables[0][0] == "create_table", tables[0][1], columns, unique)


def _entity(service: Service, tables: Mapping[str, EntityTable], entity: EntityTable, step: _Step) -> Iterator[Found]:
    package, noun = service.project.package, Noun(entity.name)
    paths = [
        PurePosixPath(package, *part.split("/"), f"{noun.snake}.py")
        for part in ("contracts/db", "db", "api", "db/queries")
    ]
    contract, written, routes, _ = paths
    given = [field for field in _given(service, noun) if field.name in step.columns]
    if not {contract, written} <= {*service.project.files} or not given:
        return
    columns = {it.name: it for it in entity.fields}
    refs = {field.name: ref for field in given if (ref := _ref(tables, field, columns.get(field.name)))}
    has_routes = routes in service.project.files
    writes = has_routes and any(it.method == "POST" for it in service.routes if it.module == f"api.{noun.snake}")
    options = {
        "fields": typed(field for field in given if field.name not in refs),
        "unique": list(step.unique),
        "refs": list(refs.values()),
        "routes": "crud" if writes else "read" if has_routes else "none",
        "plural": step.table.replace("_", "-"),
        **step.options,
    }
    served = tuple(("SERVED", f"db.{noun.snake}.{verb}_{noun.snake}") for verb in ("create", "update", "delete"))
    edits = {
        **({f"{package}/api/app.py": Edited((("ROUTERS", f"api.{noun.snake}.router"),))} if has_routes else {}),
        f"{package}/db/models.py": Edited((), (f"{noun.pascal}Row",)),
        f"{package}/db/worker.py": Edited(served),
    }
    files = existing(service, *paths, step.migration.path, test_of(f"entity_{noun.snake}"))
    yield Found("entity", entity.name, files, edits, (options,))


def _field(service: Service, tables: Mapping[str, EntityTable], entity: EntityTable, step: _Step) -> Iterator[Found]:
    package, noun = service.project.package, Noun(entity.name)
    column = next((it for it in entity.fields if step.columns == (it.name,)), None)
    field = next((it for it in _given(service, noun) if step.columns == (it.name,)), None)
    if column is None or field is None:
        return
    ref = _ref(tables, field, column)
    options = {"field": None if ref else typed([field])[0], "ref": ref, "unique": column.unique, **step.options}
    edits = {
        f"{package}/contracts/db/{noun.snake}.py": Edited(
            (), (f"New{noun.pascal}.{field.name}", f"{noun.pascal}Changes.{field.name}")
        ),
        f"{package}/db/models.py": Edited((), (f"{noun.pascal}Row.{field.name}",)),
    }
    files = existing(service, step.migration.path, test_of(f"field_{noun.snake}_{field.name}"))
    yield Found("field", f"{entity.name} {field.name}", files, edits, (options,))


def _given(service: Service, noun: Noun) -> Sequence[Field]:
    return tuple(Types(service).fields(f"contracts.db.{noun.snake}.New{noun.pascal}"))


def _ref(tables: Mapping[str, EntityTable], field: Field, column: EntityField | None) -> str | None:
    """A field that refers to another entity, as `--ref` has it."""
    to = tables.get(column.refers) if column is not None and column.refers is not None else None
    return None if to is None or to.table is None else Ref(field, to.name, to.table).spelled


def queries(service: Service) -> Iterator[Found]:
    """The queries, each with a test of its own: those of an entity have none."""
    for query in service.queries:
        path = service.path_of(query.module)
        files = existing(service, path, test_of(f"query_{query.name}"))
        with contextlib.suppress(ScaffoldError):  # its model cannot be read
            if len(files) > 1 and query.module.rpartition(".")[2] == query.name:
                yield Found("query", query.name.replace("_", "-"), files, {}, tuple(_requests(service, query)))


def _requests(service: Service, query: Query) -> Iterator[Options]:
    path, types = service.path_of(query.module), Types(service)
    assert path is not None  # it was found there
    source = service.source(path)
    takes = [
        Field(it.arg, types.shape(it.annotation, source), default is not None, it.annotation, default, source)
        for it, default in query.arguments
        if it.annotation is not None and source.qualified(it.annotation) != "runtime.pages.PageRequest"
    ]
    is_list = len(takes) < len(query.arguments)
    result = f"{Noun(query.name.replace('_', '-')).pascal}{'Item' if is_list else 'Result'}"
    model = source.definitions().get(result)
    returns = [
        Field(it.target.id, types.shape(it.annotation, source), it.value is not None, it.annotation, it.value, source)
        for it in getattr(model, "body", ())
        if isinstance(it, ast.AnnAssign) and isinstance(it.target, ast.Name)
    ]
    models = service.path_of("db.models")
    rows = service.source(models).definitions() if models is not None else {}
    tables = sorted({*re.findall(r"\w+", source.content.decode())} & rows.keys())
    orders = [*_orders(source.tree)] if is_list else []
    for table, shown, order in product(tables, ([], [it.name for it in returns]), ([], orders) if orders else ([],)):
        taken = [f"{it.name}{'?' * it.optional}" for it in takes]
        yield {"takes": taken, "returns": shown, "table": table, "list": is_list, "orders": order}
    if not is_list:
        yield {"takes": typed(takes), "returns": typed(returns)}


def _orders(tree: ast.Module) -> Iterator[str]:
    """By what a list may be ordered."""
    for statement in tree.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id="ORDERS"), value=ast.Dict(keys=keys)):
                yield from (it.value for it in keys if isinstance(it, ast.Constant) and isinstance(it.value, str))
