"""`add route GET … --query`: a route that reads by a query of `db/queries/`, and starts no work."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from resonate_scaffold import layout
from resonate_scaffold.edit.source import Source
from resonate_scaffold.errors import Unknown, UsageError
from resonate_scaffold.fields import Field, closest
from resonate_scaffold.generators import contract as contracts, route_paths
from resonate_scaffold.generators.addition import Addition, Imports, asked_before, at
from resonate_scaffold.generators.query import example_row, find_table
from resonate_scaffold.generators.route_code import RESERVED, check_parameters
from resonate_scaffold.generators.route_tests import as_text, filled_path, test_path
from resonate_scaffold.generators.signatures import written
from resonate_scaffold.layout import Item
from resonate_scaffold.plan import Plan
from resonate_scaffold.service.tables import Column, Table
from resonate_scaffold.service.things import Query

_PAGE_REQUEST, _PAGE = "runtime.pages.PageRequest", "runtime.pages.Page"
_NO_PIECE = frozenset({"list", "dict", "model"})


@dataclass(frozen=True, slots=True)
class _Read:
    """A query as a route reads by it. ``order`` is the first of those that its list may be in."""

    query: Query
    source: Source
    fields: tuple[Field, ...]
    list: bool
    optional: bool
    shown: ast.expr
    order: str | None


def add_query_route(
    addition: Addition, path: str, parameters: tuple[str, ...], target: str, name: str, chosen: Mapping[str, str]
) -> Plan:
    """Plan a route that reads: its module, its registration, its test."""
    read = _read(addition, target, parameters)
    addition.options = {"query": read.query.name.replace("_", "-"), **chosen}
    if done := asked_before(addition):
        return done
    route_paths.check_free(addition, "GET", path)
    module = f"api.{name}"
    _write(addition, addition.module(module), path, name, read, parameters)
    addition.include(module)
    _test(addition, path, name, read)
    return addition.plan()


def _read(addition: Addition, target: str, parameters: tuple[str, ...]) -> _Read:
    known = {query.name: query for query in addition.service.queries}
    query = known.get(target.replace("-", "_"))
    if query is None:
        spelled = [name.replace("_", "-") for name in known]
        raise Unknown(f"--query {target}: db/queries/ has no such query", closest(target, spelled))
    path = addition.service.path_of(query.module)
    assert path is not None  # it was found there
    source = addition.service.source(path)
    fields, paged = [], False
    for argument, default in query.arguments:
        if argument.annotation is None:
            raise UsageError(f"{argument.arg} of {query.name} has no type ({at(query.place)})", "Write one.")
        if source.qualified(argument.annotation) == _PAGE_REQUEST:
            paged = True
            continue
        shape = addition.types.shape(argument.annotation, source)
        field = Field(argument.arg, shape, default is not None, argument.annotation, default, source)
        if (shape.inner if shape.kind == "optional" else shape).kind in _NO_PIECE:
            hint = "Take what it is made of, each by itself."
            raise UsageError(f"{field.name} of {query.name} is a {shape.spelled}, which no URL can hold", hint)
        fields.append(field)
    names = [field.name for field in fields]
    for parameter in parameters:
        if parameter not in names:
            hint = f"It takes: {', '.join(names) or 'nothing'}"
            raise UsageError(f"{target} takes no {parameter}, which the path has", hint)
    shown, optional = _shown(query, source, paged)
    order = _first_order(addition, query, source) if paged else None
    return _Read(query, source, tuple(fields), paged, optional, shown, order)


def _shown(query: Query, source: Source, paged: bool) -> tuple[ast.expr, bool]:
    """What a route answers with, as an annotation, and whether the query may find nothing."""
    match query.returns:
        case ast.BinOp(left=shown, op=ast.BitOr(), right=ast.Constant(value=None)) if not paged:
            return shown, True
        case ast.Subscript(value=page) if paged and source.qualified(page) == _PAGE:
            return query.returns, False
        case ast.Name() | ast.Attribute() | ast.Subscript() if not paged:
            return query.returns, False
    wanted = "Page[…]" if paged else "a model, or `… | None`"
    raise UsageError(f"What {query.name} returns cannot be read ({at(query.place)})", f"Annotate it: {wanted}.")


def _first_order(addition: Addition, query: Query, source: Source) -> str:
    """The first member of the type `Order` in the module of a list."""
    for statement in source.tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="Order")], value=ast.Subscript(slice=inside)):
                first = inside.elts[0] if isinstance(inside, ast.Tuple) else inside
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    return first.value
    hint = 'Write them there: Order = Literal["name", "-name"]'
    raise UsageError(f"The module of {query.name} does not say which orders its list has ({at(query.place)})", hint)


def _write(
    addition: Addition, path: PurePosixPath, route: str, name: str, read: _Read, parameters: tuple[str, ...]
) -> None:
    function = f"read_{name.removeprefix('get_')}"
    imports = Imports([*RESERVED, "id", function])
    imports.names("runtime.http.auth", "AuthenticatedRoute")
    imports.names("runtime.http.openapi", "authenticated")
    imports.names("runtime.http.queries", "reading", "LISTED" if read.list else "FOUND")
    called = imports(read.query.module, read.query.name)
    answers = layout.expression(read.shown, lambda node: _bound(node, read.source, imports))
    if read.optional:
        imports.names("runtime.http.problems", "not_found")
    by_name = {field.name: field for field in read.fields}
    in_path = [written(by_name[parameter], imports, in_body=False) for parameter in parameters]
    in_query = [written(field, imports, in_body=False) for field in read.fields if field.name not in parameters]
    required = [line for line in in_query if " = " not in line]
    defaults = [line for line in in_query if " = " in line]
    given: list[Item | str] = ["session"]
    if read.list:
        imports.names("runtime.http.queries", "Cursor", "Limit", "paged")
        imports.names("runtime.pages", "PageRequest")
        order = imports(read.query.module, "Order")
        defaults += [f"order: {order} = {layout.text(read.order or '')}", "limit: Limit = 20", "cursor: Cursor = None"]
    for argument, _ in read.query.arguments:
        local = "PageRequest(limit, cursor, order)" if argument.arg not in by_name else argument.arg
        given.append(Item(local, f"{argument.arg}=" if argument.arg in read.query.named else ""))
    handlers = ["request: Request", *(["response: Response"] if read.list else [])]
    options = [
        layout.text(route),
        "openapi_extra=authenticated()",
        f"responses={'LISTED' if read.list else 'FOUND'}",
    ]
    context = {
        "docstring": layout.docstring(
            f"GET {route} reads by the query `{read.query.name.replace('_', '-')}`, and starts no work."
        ),
        "list": read.list,
        "optional": read.optional,
        "tag": layout.text(route.split("/")[1]),
        "summary": "Read one page of them." if read.list else "Read it.",
        "decorator": layout.render(layout.group("@router.get(", options, ")")),
        "definition": contracts.definition(function, [*in_path, *required, *handlers, *defaults], answers),
        "found": contracts.statement(layout.group(f"await {called}(", given, ")"), indent=8, before="found = "),
    }
    check_parameters(read.fields, imports, f"GET {route}")
    addition.create("route/query.py", path, context, imports)


def _bound(node: ast.expr, source: Source, imports: Imports) -> str | None:
    qualified = source.qualified(node)
    if qualified is None:
        # A class of the module itself.
        return None
    module, _, name = qualified.rpartition(".")
    return imports(module, name)


def _test(addition: Addition, path: str, name: str, read: _Read) -> None:
    imports = Imports()
    imports.names("runtime.testing.running", "RunningService", "StartService", "problem")
    examples = {}
    for field in read.fields:
        if not field.optional:
            examples[field.name] = contracts.example(addition, field).json
    in_path = [segment[1:-1] for segment in path.split("/") if segment.startswith("{")]
    query = {name: as_text(value) for name, value in examples.items() if name not in in_path}
    row = _row(addition, read, imports)
    context = {
        "path": path,
        "template": layout.text(path),
        "filled": layout.strings(filled_path(path, examples), before="PATH = "),
        "query": contracts.statement(layout.value(query), indent=0, before="QUERY = ") if query else "",
        "list": read.list,
        "optional": read.optional,
        "row": row,
    }
    addition.create("route/test_query.py", test_path(name), context, imports)


def _row(addition: Addition, read: _Read, imports: Imports) -> str:
    """The statement that adds a row which the route then finds; "" where none is known."""
    record = addition.project.find_add("query", read.query.name.replace("_", "-"))
    named = record.options.get("table") if record is not None else None
    if not isinstance(named, str):
        return ""
    table = find_table(addition, named)
    columns = [column for field in read.fields if (column := _column(table, field)) is not None]
    made = Imports()
    local = made("db.models", table.name)
    row = example_row(addition, table, local, made, same=[column.name for column in columns])
    if row is None:
        return ""
    imports.add((module, name) for module, name, _ in made.items())
    imports.names("runtime.database", "Database")
    return contracts.statement(layout.group("session.add(", [Item(row)], ")"), indent=8)


def _column(table: Table, field: Field) -> Column | None:
    """The column that a query compares with what it takes."""
    if field.optional:
        return None
    return table.columns.get(field.name) or table.columns.get(field.name.rpartition("_")[2])
