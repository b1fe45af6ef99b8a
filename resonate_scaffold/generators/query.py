"""`add query`: a function of `db/queries/`, which the API may call: a read that starts no work.

add query account-by-id --table Account --takes account_id      one row of a table, or None
add query accounts --table Account --list --order owner          a page of its rows
add query stock-of --takes sku:str --returns left:int            a statement of your own
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from resonate_scaffold import layout
from resonate_scaffold.edit.source import Source
from resonate_scaffold.errors import Taken, Unknown, UsageError
from resonate_scaffold.fields import Field, closest, parse_fields
from resonate_scaffold.generators import compose, contract as contracts
from resonate_scaffold.generators.addition import Addition, Imports, asked_before, at, tests_path
from resonate_scaffold.generators.signatures import written
from resonate_scaffold.generators.wiring import Known
from resonate_scaffold.layout import Item
from resonate_scaffold.names import Noun
from resonate_scaffold.plan import Plan
from resonate_scaffold.project import Project
from resonate_scaffold.service.tables import Column, Table, tables_of
from resonate_scaffold.shapes import same_values

FOLDER = "db.queries"
_MODELS = "db.models"
_RESERVED = frozenset({"session", "page", "rows", "row", "order", "cursor", "limit", "wanted", "reads", "request"})


@dataclass(frozen=True, slots=True)
class QueryRequest:
    """``takes`` and ``returns`` as typed; of a ``table``, a class of `db/models.py`, columns by their names alone.

    ``orders`` are columns, of which the first is the order of a list where the client names none.
    """

    name: str
    takes: tuple[str, ...] = ()
    returns: tuple[str, ...] = ()
    table: str | None = None
    list: bool = False
    orders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Query:
    """What the parts of the generator share. ``columns`` are those that ``takes`` are compared with."""

    name: Noun
    takes: tuple[Field, ...]
    returns: tuple[Field, ...]
    table: Table | None
    list: bool
    orders: tuple[str, ...]
    columns: Mapping[str, Column]

    @property
    def result(self) -> str:
        return f"{self.name.pascal}{'Item' if self.list else 'Result'}"

    def options(self, request: QueryRequest) -> dict[str, Any]:
        """What was asked for, normalised: a column by its name alone."""
        if self.table is None:
            return contracts.options(takes=self.takes, returns=self.returns)
        takes = [f"{field.name}{'?' * field.optional}" for field in self.takes]
        returns = [field.name for field in self.returns] if request.returns else []
        return {
            "takes": takes,
            "returns": returns,
            "table": self.table.name,
            "list": self.list,
            "orders": list(request.orders),
        }


def add_query(project: Project, request: QueryRequest) -> Plan:
    """Plan a query: its module, its test, and for the first one the API's way to the database."""
    name = contracts.noun(request.name, "query")
    addition = Addition(project, "query", name.kebab)
    query = _resolve(addition, name, request)
    addition.options = query.options(request)
    if done := asked_before(addition):
        return done
    for other in addition.service.queries:
        if other.name == name.snake:
            raise Taken(f"The query {name.snake} is there already ({at(other.place)})", "Choose another name.")
    package = addition.module(f"{FOLDER}.__init__")
    if package not in project.files:
        addition.write(package, _PACKAGE)
    _write(addition, query)
    _test(addition, query)
    compose.let_api_read(addition)
    return addition.plan()


_PACKAGE = (
    b'"""What the API reads without starting work: one query a file, on a session in which the database refuses to '
    b'write."""\n'
)


def _resolve(addition: Addition, name: Noun, request: QueryRequest) -> _Query:
    if request.table is None:
        if request.list or request.orders:
            raise UsageError("A list is one of a table's rows", "Say which: --table CLASS, a class of db/models.py.")
        typed = contracts.fields(addition, request.takes, request.returns)
        _check_names(typed[0])
        return _Query(name, *typed, None, False, (), {})
    if request.orders and not request.list:
        raise UsageError("--order is of a list", "Give --list, too.")
    table = find_table(addition, request.table)
    takes: list[Field] = []
    columns: dict[str, Column] = {}
    for spec in request.takes:
        field, column = _field(addition, table, spec, "--takes")
        takes.append(field)
        columns[field.name] = column
    returns = [_field(addition, table, spec, "--returns")[0] for spec in request.returns]
    shown = returns or [_shown(column) for column in table.columns.values()]
    _check_names(takes)
    if not request.list and not takes:
        raise UsageError("Which row? It takes nothing", "Say by what: --takes id; or --list, for a page of them.")
    if request.list and not table.key:
        raise UsageError(f"{table.name} has no primary key that can be read", "Write primary_key=True in its column.")
    orders = request.orders or tuple(column.name for column in table.key)
    for order in orders if request.list else ():
        if order not in table.columns:
            raise Unknown(f"--order {order}: {table.name} has no such column", closest(order, list(table.columns)))
        if table.columns[order].nullable:
            raise UsageError(
                f"--order {order}: it may be NULL, and such rows have no place", "Order by another column."
            )
    return _Query(name, tuple(takes), tuple(shown), table, request.list, orders, columns)


def find_table(addition: Addition, name: str) -> Table:
    """The table of a class of `db/models.py`.

    Raises:
        Unknown: there is none.
    """
    service = addition.service

    def module(name: str) -> Source | None:
        path = service.path_of(name)
        return None if path is None else service.source(path)

    known = tables_of(addition.source(addition.module(_MODELS)), addition.types, module)
    if name not in known:
        raise Unknown(f"--table {name}: db/models.py has no such table", closest(name, list(known)))
    return known[name]


def _field(addition: Addition, table: Table, spec: str, option: str) -> tuple[Field, Column]:
    """A field that is a column: ``NAME``, ``NAME?`` or ``NAME:TYPE``. What a query takes as `account_id` may be an
    account's `id`.
    """
    typed, optional = spec.partition(":")[0].strip(), spec.endswith("?")
    name = typed.removesuffix("?")
    own = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", table.name.removesuffix("Row")).lower()
    column = table.columns.get(name)
    if column is None and option == "--takes":
        column = table.columns.get(name.removeprefix(f"{own}_"))
    if column is None:
        raise Unknown(f"{option} {spec}: {table.name} has no column {name}", closest(name, list(table.columns)))
    if ":" in spec:
        (given,) = parse_fields([spec], option, addition.types.resolve)
        inner = given.shape.inner if given.shape.kind == "optional" else given.shape
        if not same_values(inner, column.field.shape):
            spelled = column.field.shape.spelled
            raise UsageError(f"{option} {spec}: the column is {spelled}", f"Write {option} {name} alone.")
    if option == "--returns":
        return _shown(column), column
    field = replace(column.field, name=name)
    return (replace(_nullable(field), optional=True, default=ast.Constant(None)) if optional else field), column


def _shown(column: Column) -> Field:
    """A column as a field of what is read."""
    return _nullable(column.field) if column.nullable else column.field


def _nullable(field: Field) -> Field:
    assert field.annotation is not None
    annotation = ast.BinOp(field.annotation, ast.BitOr(), ast.Constant(None))
    return replace(field, annotation=annotation)


def _check_names(takes: Sequence[Field]) -> None:
    for field in takes:
        if field.name in _RESERVED:
            raise UsageError(f"--takes: {field.name} means something else in a query", "Name it for what it is.")


def _write(addition: Addition, query: _Query) -> None:
    imports = Imports([query.result, query.name.snake, *_RESERVED, "ORDERS", "Order"])
    imports.names("!pydantic", "BaseModel")
    imports.names("!sqlalchemy.ext.asyncio", "AsyncSession")
    if query.table is not None:
        imports.names("!pydantic", "ConfigDict")
    parameters = ["session: AsyncSession"]
    if query.list:
        parameters.append("page: PageRequest")
    takes = [written(field, imports, in_body=False) for field in query.takes]
    parameters += [line for line in takes if " = " not in line] + [line for line in takes if " = " in line]
    context: dict[str, object] = {
        "name": query.name.kebab,
        "result": query.result,
        "config": "model_config = ConfigDict(from_attributes=True)" if query.table is not None else "",
        "fields": [written(field, imports, in_body=True) for field in query.returns],
    }
    path = addition.module(f"{FOLDER}.{query.name.snake}")
    if query.list:
        context |= _list(query, imports)
        answers = f"Page[{query.result}]"
    else:
        body, invented = _one(addition, query, imports)
        context["body"] = body
        answers = f"{query.result} | None"
        addition.notes += [f"{path}: the result's {what} is an example; put your own value there" for what in invented]
        if query.table is None:
            addition.notes.append(f"Its statement: in `{query.name.snake}` of {path}")
    context["definition"] = contracts.definition(query.name.snake, parameters, answers)
    addition.create("query/list.py" if query.list else "query/one.py", path, context, imports)


def _selected(query: _Query, table: str, imports: Imports, name: str) -> list[str]:
    """The statements that say which rows of a table are meant."""
    imports.names("!sqlalchemy", "select")
    conditions = {field.name: f"{table}.{query.columns[field.name].name} == {field.name}" for field in query.takes}
    always = [conditions[field.name] for field in query.takes if not field.optional]
    chosen: layout.Code = f"select({table})"
    if always:
        chosen = layout.call(f"select({table}).where", always)
    lines = [contracts.statement(chosen, before=f"{name} = ")]
    for field in query.takes:
        if field.optional:
            lines.append(f"    if {field.name} is not None:")
            lines.append(f"        {name} = {name}.where({conditions[field.name]})")
    return lines


def _one(addition: Addition, query: _Query, imports: Imports) -> tuple[list[str], list[str]]:
    """The statements that read one row, and what of it is an example."""
    if query.table is None:
        arguments = contracts.filled(query.returns, Known(addition.types, ()), addition, imports)
        first = next((f", {field.name}" for field in query.takes), ", …")
        comment = f"# Your statement goes here, for example `await session.get(Row{first})`."
        result = layout.call(query.result, arguments.items)
        return [f"    await session.connection()  {comment}", contracts.statement(result, before="return ")], list(
            arguments.invented
        )
    table = imports(_MODELS, query.table.name)
    key = query.table.key
    keys = [query.columns[field.name] for field in query.takes if not field.optional]
    if len(key) == 1 and keys == list(key) and len(query.takes) == 1:
        lines = [f"    row = await session.get({table}, {query.takes[0].name})"]
    else:
        lines = _selected(query, table, imports, "rows")
        lines.append("    row = (await session.scalars(rows)).one_or_none()")
    return [*lines, f"    return None if row is None else {query.result}.model_validate(row)"], []


def _list(query: _Query, imports: Imports) -> dict[str, object]:
    """What the module of a list has besides."""
    assert query.table is not None
    imports.names("runtime.pages", "Orders", "Page", "PageRequest", "read_page")
    imports.names("!typing", "Literal")
    table = imports(_MODELS, query.table.name)
    key = [column.name for column in query.table.key]
    orders = []
    for order in query.orders:
        columns = [f"{table}.{name}" for name in dict.fromkeys([order, *key])]
        orders.append(Item(f"({', '.join(columns)}{',' if len(columns) == 1 else ''})", f"{layout.text(order)}: "))
    names = [layout.text(name) for order in query.orders for name in (order, f"-{order}")]
    arguments = ["session", "rows", "page", "ORDERS", f"{query.result}.model_validate"]
    read = layout.group("await read_page(", arguments, ")")
    return {
        "orders": contracts.statement(layout.group("{", orders, "}"), indent=0, before="ORDERS: Orders = "),
        "order": contracts.statement(layout.group("Literal[", names, "]"), indent=0, before="Order = "),
        "body": [*_selected(query, table, imports, "rows"), contracts.statement(read, before="return ")],
    }


def example_row(
    addition: Addition, table: Table, name: str, imports: Imports, *, other: bool = False, same: Sequence[str] = ()
) -> layout.Group | None:
    """A row of a table as an expression; None where a column is of a type without an example, or refers to other rows.

    ``other``: with other values, but for the columns of ``same``.
    """
    items = []
    for column in table.columns.values():
        if column.filled and column.name not in same:
            continue
        example = addition.types.example(column.field.shape, other=other and column.name not in same)
        if example is None or column.refers:
            return None
        imports.add(example.imports)
        items.append(Item(example.code, f"{column.name}="))
    return layout.call(name, items)


def _test(addition: Addition, query: _Query) -> None:
    module = f"{FOLDER}.{query.name.snake}"
    imports = Imports()
    imports.names("runtime.reads", "ReadDatabase")
    imports.names(module, query.name.snake)
    rows: list[layout.Group] = []
    if query.table is not None:
        same = [query.columns[field.name].name for field in query.takes]
        other_same = [name for name in same if not query.table.columns[name].primary]
        made = Imports()
        name = made(_MODELS, query.table.name)
        one = example_row(addition, query.table, name, made, same=same)
        other = example_row(addition, query.table, name, made, other=True, same=other_same) if query.list else one
        if one is not None and other is not None:
            rows = [one, other] if query.list else [one]
            imports.add((module, name) for module, name, _ in made.items())
            imports.names("runtime.database", "Database")
    context: dict[str, object] = {
        "name": query.name.kebab,
        "function": query.name.snake,
        "result": query.result,
        "list": query.list,
    }
    if query.list:
        context |= _list_test(addition, query, rows, imports)
    else:
        context |= _one_test(addition, query, rows, imports)
    addition.create("query/test.py", tests_path("query", query.name), context, imports)


def _list_test(addition: Addition, query: _Query, rows: Sequence[layout.Group], imports: Imports) -> dict[str, object]:
    imports.names(f"{FOLDER}.{query.name.snake}", "Order", query.result)
    imports.names("runtime.pages", "PageRequest")
    given = [_example(addition, field, imports) for field in query.takes if not field.optional]

    def called(indent: int, variable: str, limit: int, cursor: str) -> str:
        page = f"PageRequest({limit}, {cursor}, order)"
        call = layout.group(f"await {query.name.snake}(", ["session", page, *given], ")")
        return contracts.statement(call, indent=indent, before=f"{variable} = ")

    added = [contracts.statement(layout.group("session.add(", [Item(row)], ")"), indent=8) for row in rows]
    return {"rows": added, "whole": called(12, "whole", 100, "None"), "page": called(16, "page", 1, "cursor")}


def _one_test(addition: Addition, query: _Query, rows: Sequence[layout.Group], imports: Imports) -> dict[str, object]:
    wanted = [field for field in query.takes if not field.optional]
    arguments = [f"{field.name} = row.{query.columns[field.name].name}" for field in wanted] if rows else []

    def called(given: Sequence[Item | str], before: str, after: str) -> str:
        call = layout.group(f"await {query.name.snake}(", ["session", *given], ")")
        return f"{contracts.statement(call, indent=8, before=before)}{after}"

    examples = [_example(addition, field, imports) for field in wanted]
    if rows:
        imports.names(f"{FOLDER}.{query.name.snake}", query.result)
        found = called([field.name for field in wanted], "assert ", " == wanted")
        others = [addition.types.example(field.shape, other=True) for field in wanted]
        unknown = ""
        if all(other is not None for other in others):
            imports.add(it for other in others if other for it in other.imports)
            unknown = called([Item(other.code) for other in others if other], "assert ", " is None")
        row = contracts.statement(rows[0], indent=8, before="row = ")
        return {"rows": [row], "arguments": arguments, "found": found, "unknown": unknown}
    if query.table is not None:
        return {"rows": [], "found": called(examples, "assert ", " is None")}
    return {"rows": [], "found": called(examples, "assert ", "")}


def _example(addition: Addition, field: Field, imports: Imports) -> Item:
    example = addition.types.example(field.shape)
    if example is None:
        raise contracts.no_example(field.name, field.shape)
    imports.add(example.imports)
    return Item(example.code)
