"""`add db-function`: a durable function of group `db`, a write that happens once or a read."""

from __future__ import annotations

from dataclasses import dataclass

from resonate_scaffold import layout
from resonate_scaffold.generators import contract as contracts
from resonate_scaffold.generators.addition import Addition, Imports, asked_before, tests_path
from resonate_scaffold.generators.wiring import Known
from resonate_scaffold.layout import Item
from resonate_scaffold.plan import Plan
from resonate_scaffold.project import Project

GROUP = "db"


@dataclass(frozen=True, slots=True)
class DbFunctionRequest:
    """``takes`` and ``returns`` as typed."""

    name: str
    takes: tuple[str, ...] = ()
    returns: tuple[str, ...] = ()
    read_only: bool = False


def add_db_function(project: Project, request: DbFunctionRequest) -> Plan:
    """Plan a db function: contract, function, registration, test."""
    name = contracts.noun(request.name, "row")
    addition = Addition(project, "db-function", name.kebab)
    takes, returns = contracts.fields(addition, request.takes, request.returns)
    addition.options = contracts.options(takes=takes, returns=returns, read_only=request.read_only)
    if done := asked_before(addition):
        return done
    new = contracts.New(name, f"db.{name.kebab.replace('-', '_')}", GROUP, f"contracts.db.{name.snake}", takes, returns)
    contracts.declare(addition, new, f"The durable function `{new.durable}`.")

    imports = Imports([new.variable, "ctx", "request", "effect", "session", "Context", "AsyncSession"])
    imports.contract(new.module)
    imports.names("runtime.database", "Database")
    imports.names("runtime.durable.rpc", "serve")
    imports.add(new.models)
    if not request.read_only:
        imports.names("runtime.durable.ids", "call_id", "operation_id")
        imports.names("runtime.durable.once", "once")
    arguments = contracts.filled(returns, Known(addition.types, takes), addition, imports)
    result = layout.call(f"{name.pascal}Result", arguments.items)
    indent = 4 if request.read_only else 8
    call_once = layout.group(
        "await once(",
        [
            "ctx.get_dependency(Database)",
            f"operation_id({layout.text(name.kebab)}, call_id(ctx))",
            "request",
            f"{name.pascal}Result",
            "effect",
        ],
        ")",
    )
    context = {
        "durable": new.durable,
        "function": new.variable,
        "definition": contracts.definition(
            name.snake, ["ctx: Context", f"request: {name.model}"], f"{name.pascal}Result"
        ),
        "docstring": layout.docstring(
            f"Run `{new.durable}`. The id of the call names the operation: it happens once, however often this runs.",
            indent=4,
        ),
        "effect": f"async def effect(session: AsyncSession) -> {name.pascal}Result:",
        "read_only": request.read_only,
        "answer": contracts.statement(result, indent=indent, before="return "),
        "once": contracts.statement(call_once, before="return "),
    }
    module = f"db.{name.snake}"
    path = addition.module(module)
    addition.create("db_function/function.py", path, context, imports)
    contracts.note_examples(addition, path, arguments)
    addition.serve("db", module, name.snake)
    _test(addition, new, request.read_only)
    if not request.read_only:
        addition.notes += [
            f"Its table: a class in {addition.module('db.models')}, then `{project.package} migrate`, "
            f'`alembic revision --autogenerate -m "{name.kebab}"`, `{project.package} migrate`',
            f"Its rows: in `effect` of {path}, which is one transaction with the claim of the operation",
        ]
    return addition.plan()


def _test(addition: Addition, new: contracts.New, read_only: bool) -> None:
    imports = Imports()
    imports.names(new.module, new.name.model, new.variable)
    imports.names("runtime.testing.running", "CallFunction")
    if not read_only:
        imports.names("runtime.database", "Database", "Operation")
    example = contracts.request_example(addition, new.request, new.takes)
    imports.add(example.imports)

    def called(variable: str) -> str:
        arguments: list[Item | str] = [new.variable, '"test/1"', "REQUEST"]
        return contracts.statement(layout.group("await call(", arguments, ")"), before=f"{variable} = ")

    context = {
        "durable": new.durable,
        "function": new.variable,
        "request": contracts.statement(example.code, indent=0, before="REQUEST = "),
        "first": called("first"),
        "again": called("again"),
        "read_only": read_only,
    }
    addition.create("db_function/test.py", tests_path("db", new.name), context, imports)
