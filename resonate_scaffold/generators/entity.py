"""`add entity`: a table, its migration, durable functions that write it, queries, routes, and tests of all of them."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from resonate_scaffold import layout
from resonate_scaffold.edit.source import Source
from resonate_scaffold.errors import CannotEdit, InvalidName, Taken, UsageError
from resonate_scaffold.fields import Field
from resonate_scaffold.generators import contract as contracts
from resonate_scaffold.generators.addition import Addition, Imports, asked_before
from resonate_scaffold.generators.columns import Bind, checked_name, column_of
from resonate_scaffold.generators.entities import (
    Entity,
    EntityRequest,
    foreign_key_name,
    index_name,
    read_entity,
    unique_name,
)
from resonate_scaffold.generators.entity_test import write_test
from resonate_scaffold.generators.migrations import Step, next_step
from resonate_scaffold.generators.query import FOLDER, let_api_query
from resonate_scaffold.layout import Item
from resonate_scaffold.plan import Plan
from resonate_scaffold.project import Project
from resonate_scaffold.shapes import annotation

ROUTES = ("crud", "read", "none")
_LONGEST = 24  # of a name: the revision of its migration has 32 at most
_TABLES = frozenset({"operations", "alembic_version"})  # the runtime's and Alembic's own


def add_entity(project: Project, request: EntityRequest) -> Plan:
    """Plan an entity: model, migration, contracts, durable functions, queries, routes, tests."""
    name = contracts.noun(request.name, "entity")
    if len(name.raw) > _LONGEST:
        raise UsageError(f"{name} has {len(name.raw)} characters, the limit is {_LONGEST}", "Choose a shorter name.")
    if name.snake != name.kebab.replace("-", "_") or name.pascal in contracts.TAKEN:
        raise InvalidName(f'"{name}" means something else in the code of a service', f"{name.kebab}-entity")
    if request.routes not in ROUTES:
        raise UsageError(f"--routes {request.routes} is none of {', '.join(ROUTES)}", "Leave it out for all of them.")
    addition = Addition(project, "entity", name.kebab)
    entity = read_entity(addition, name, request)
    recorded = project.find_add("entity", name.kebab)
    step = next_step(project, entity.snake, recorded)
    addition.options = {
        "fields": [field.spelled for field in entity.fields],
        "unique": [",".join(names) for names in entity.unique],
        "refs": [ref.spelled for ref in entity.refs],
        "routes": request.routes,
        "plural": entity.plural.kebab,
        **step.options,
    }
    if done := asked_before(addition):
        return done
    _check_free(addition, entity)
    _write_contract(addition, entity)
    _write_row(addition, entity)
    _write_migration(addition, entity, step)
    _write_functions(addition, entity)
    write_test(addition, entity, request.routes)
    if request.routes != "none":
        _write_queries(addition, entity)
        _write_routes(addition, entity, writes=request.routes == "crud")
    addition.notes += [
        f"Its table is {entity.table}, its path {entity.path}: --plural says otherwise",
        f"`{project.package} migrate` makes the table, by {step.path.name}",
    ]
    return addition.plan()


def _check_free(addition: Addition, entity: Entity) -> None:
    spelled = layout.text(entity.table).encode()
    models = addition.module("db.models")
    if entity.table in _TABLES or spelled in addition.source(models).content:
        raise Taken(f"There is a table {entity.table} already", "Choose another name, or another --plural.")
    for verb in ("create", "update", "delete"):
        contracts.check_free(addition, f"db.{verb}_{entity.snake}", "db")


def _write_contract(addition: Addition, entity: Entity) -> None:
    context = entity.context
    made = [context[part] for part in ("new", "kept", "changes", "update_model", "delete_model")]
    verbs = [f"{verb}_{entity.snake}" for verb in ("create", "update", "delete")]
    imports = Imports([*made, *verbs, *(field.name for field in entity.all_fields)])
    imports.names("!uuid", "UUID")
    imports.names("!pydantic", "MISSING", "BaseModel", "ConfigDict")
    imports.names("runtime.durable.rpc", "Rpc")
    imports.names("runtime.errors", "NoSuchReference", "NotUnique", "StillReferenced", "VersionMismatch")
    context |= {
        "summary": layout.docstring(f"The entity `{entity.name.kebab}`: its models, and what writes it."),
        "fields": contracts.declared(entity.all_fields, imports),
        "aliased": any(field.has_alias for field in entity.all_fields),
        "changed": [changed_line(field, imports) for field in entity.all_fields],
    }
    path = addition.module(entity.contract)
    addition.create("entity/contract.py", path, context, imports)


def changed_line(field: Field, bind: Bind) -> str:
    """A field as the model of changes has it: what is left out is MISSING, and not its default."""
    missing = bind("!pydantic", "MISSING")
    is_optional = field.shape.kind == "optional"
    kind = annotation(field.shape.inner if is_optional else field.shape, bind)
    kind = f"{kind} | {missing}{' | None' if is_optional else ''}"
    if field.has_alias:
        alias = f"{bind('!pydantic', 'Field')}(alias={layout.text(field.wire)})"
        kind = f"{bind('!typing', 'Annotated')}[{kind}, {alias}]"
    return f"{field.name}: {kind} = {missing}"


def _write_row(addition: Addition, entity: Entity) -> None:
    path = addition.module("db.models")
    source = addition.source(path)
    _check_base(source, entity)

    def write(bind: Bind) -> str:
        together = [names for names in entity.unique if len(names) > 1]
        lines = [
            f"class {entity.row}({bind('runtime.columns', 'Entity')}, Base):",
            f'    """{entity.article.capitalize()} {entity.words}."""',
            "",
            f'    __tablename__ = "{entity.table}"',
        ]
        if together:
            unique = bind("!sqlalchemy", "UniqueConstraint")
            items = [layout.call(unique, map(layout.text, names)) for names in together]
            arguments = layout.Group("(", tuple(map(Item, items)), ",)" if len(items) == 1 else ")")
            lines.append(f"    __table_args__ = {layout.render(arguments)}")
        lines.append("")
        lines += (f"    {entity.attribute(field, bind)}" for field in entity.all_fields)
        return "\n".join(lines)

    addition.append(path, entity.row, write)


def _check_base(source: Source, entity: Entity) -> None:
    if source.qualified(ast.Name("Base")) is None:
        raise CannotEdit(
            f"{source.path}: there is no class Base, of which the tables are made",
            f"Name it Base there, or write class {entity.row} yourself.",
        )


def _write_migration(addition: Addition, entity: Entity, step: Step) -> None:
    items = ['sa.Column("id", sa.Uuid(), nullable=False)']
    items.append('sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)')
    items += (column_of(field).in_migration() for field in entity.all_fields)
    for ref in entity.refs:
        name = foreign_key_name(entity.table, ref)
        items.append(f'sa.ForeignKeyConstraint(["{ref.field.name}"], ["{ref.table}.id"], name="{name}")')
    items.append(f'sa.PrimaryKeyConstraint("id", name="{checked_name(f"pk_{entity.table}")}")')
    for names in entity.unique:
        arguments = [*map(layout.text, names), f'name="{unique_name(entity.table, names)}"']
        items.append(layout.render(layout.call("sa.UniqueConstraint", arguments)))
    context = {
        "summary": layout.docstring(f"The table `{entity.table}`."),
        "revision": step.revision,
        "after": step.down_revision,
        "table": entity.table,
        "items": items,
        "indexes": [
            f'op.create_index("{index_name(entity.table, name)}", "{entity.table}", ["{name}"])'
            for name in (ref.field.name for ref in entity.refs)
        ],
    }
    addition.create("entity/migration.py", step.path, context, Imports())


def _write_functions(addition: Addition, entity: Entity) -> None:
    context = entity.context
    row, kept = context["row"], context["kept"]
    asks = {"create": context["new"], "update": context["update_model"], "delete": context["delete_model"]}
    functions = {f"{verb}_{entity.snake}": model for verb, model in asks.items()}
    imports = Imports([*functions, "ctx", "request", "effect", "session", "Context", "AsyncSession"])
    imports.contract(entity.contract)
    imports.names(entity.contract, *asks.values(), kept)
    imports.names("runtime.database", "Database")
    imports.names("runtime.durable", "rows")
    imports.names("runtime.durable.rpc", "serve")
    imports.names("runtime.durable.ids", "call_id", "operation_id")
    imports.names("runtime.durable.once", "once")
    imports.names("db.models", row)
    for verb, model in asks.items():
        once = layout.group(
            "await once(",
            [
                "ctx.get_dependency(Database)",
                f'operation_id("{verb}-{entity.name.kebab}", call_id(ctx))',
                "request",
                kept,
                "effect",
            ],
            ")",
        )
        definition = contracts.definition(f"{verb}_{entity.snake}", ["ctx: Context", f"request: {model}"], kept)
        context[verb] = {"definition": definition, "once": contracts.statement(once, before="return ")}
    context["summary"] = layout.docstring(f"The durable functions that write `{entity.table}`: each does so once.")
    module = f"db.{entity.snake}"
    addition.create("entity/functions.py", addition.module(module), context, imports)
    for name in functions:
        addition.serve("db", module, name)


def _write_queries(addition: Addition, entity: Entity) -> None:
    let_api_query(addition)
    kept = entity.context["kept"]
    imports = Imports([f"find_{entity.snake}", f"list_{entity.table}", "ORDERS", "session", "page"])
    imports.names("runtime.pages", "Orders", "Page", "PageRequest", "read_page")
    imports.names(entity.contract, kept)
    imports.names("db.models", entity.row)
    context = {**entity.context, "summary": layout.docstring(f"What the API reads of `{entity.table}`.")}
    addition.create("entity/queries.py", addition.module(f"{FOLDER}.{entity.snake}"), context, imports)


def _write_routes(addition: Addition, entity: Entity, *, writes: bool) -> None:
    context, kept = entity.context, entity.context["kept"]
    snake, contract = entity.snake, "contract"
    imports = Imports([context["new"], context["changes"], "router", "request", "response", "body", "id", "root"])
    imports.names(entity.contract, kept)
    imports.names(f"db.queries.{snake}", f"find_{snake}", f"list_{entity.table}")
    imports.names("runtime.http.auth", "AuthenticatedRoute")
    imports.names("runtime.http.openapi", "IF_NONE_MATCH", "SHOWN", "authenticated")
    imports.names("runtime.http.queries", "FOUND", "LISTED", "Cursor", "Limit", "paged", "reading")
    imports.names("runtime.http.resources", "show")
    imports.names("runtime.pages", "Page", "PageRequest")
    asked = ["request: Request", "response: Response"]
    one = f'"/{{{snake}_id}}"'
    context |= {
        "writes": writes,
        "summary": layout.docstring(f"{entity.plural.kebab.replace('-', ' ').capitalize()} over HTTP."),
        "list": {
            "decorator": _decorator("get", ['""', "openapi_extra=authenticated()", "responses=LISTED"]),
            "definition": contracts.definition(
                f"get_{entity.table}", [*asked, "limit: Limit = 50", "cursor: Cursor = None"], f"Page[{kept}]"
            ),
        },
        "get": {
            "decorator": _decorator(
                "get",
                [
                    one,
                    f"response_model={kept}",
                    "openapi_extra=authenticated(IF_NONE_MATCH)",
                    Item(layout.group("{", [Item("FOUND", "**"), Item("SHOWN", "**")], "}"), "responses="),
                ],
            ),
            "definition": contracts.definition(f"get_{snake}", [f"{snake}_id: UUID", *asked], f"{kept} | Response"),
        },
    }
    if writes:
        imports.contract(entity.contract)
        imports.names("runtime.durable.ids", "root_id")
        imports.names("runtime.http.auth", "get_caller")
        imports.names("runtime.http.idempotency", "get_submission")
        imports.names("runtime.http.openapi", "IDEMPOTENCY_KEY", "IF_MATCH", "IF_MATCH_REQUIRED", "POLLED", "PREFER")
        imports.names("runtime.http.openapi", "changed", "created", "deleted")
        imports.names("runtime.http.resources", "answer", "answer_nothing", "expected_version")
        imports.names("runtime.http.work", "Progress", "poll", "start", "wait")
        context |= _writing(addition, entity, asked, one, contract)
    path = addition.module(f"api.{snake}")
    addition.create("entity/routes.py", path, context, imports)
    addition.include(f"api.{snake}")


def _writing(addition: Addition, entity: Entity, asked: Sequence[str], one: str, contract: str) -> dict[str, Any]:
    """What the routes that write are made of."""
    context, kept = entity.context, entity.pascal
    body = example_body(addition, entity)
    first = dict([next(iter(body.items()))]) if body else {}
    routes: dict[str, Any] = {
        "new_config": _config(body),
        "changes_config": _config(first),
        "poll": {
            "decorator": _decorator(
                "get", ['"/writes/{operation}/{id}"', "openapi_extra=authenticated(PREFER)", "responses=POLLED"]
            ),
            "definition": contracts.definition(
                f"poll_{entity.snake}",
                ['operation: Literal["create", "update", "delete"]', "id: str", *asked],
                f"Progress[{kept}]",
            ),
            "root": f'    root = root_id(f"{{operation}}-{entity.name.kebab}", caller.visible(id))',
        },
    }
    ways = {
        "create": ("post", ['""', "status_code=201", f"response_model={kept}"], "IDEMPOTENCY_KEY, PREFER", "created"),
        "update": ("patch", [one, f"response_model={kept}"], "IDEMPOTENCY_KEY, IF_MATCH_REQUIRED, PREFER", "changed"),
        "delete": ("delete", [one, "status_code=204"], "IDEMPOTENCY_KEY, IF_MATCH, PREFER", "deleted"),
    }
    bodies = {"create": context["new"], "update": context["changes"], "delete": None}
    for verb, (method, options, headers, responses) in ways.items():
        wanted = "body" if verb == "create" else "wanted"
        started = layout.group(
            "await start(",
            [
                "submission",
                f"{contract}.{verb}_{entity.snake}",
                f'root_id("{verb}-{entity.name.kebab}", id)',
                wanted,
                "location",
            ],
            ")",
        )
        parameters = [] if verb == "create" else [f"{entity.snake}_id: UUID"]
        parameters += [f"body: {bodies[verb]}"] if bodies[verb] else []
        given = [f"id={entity.snake}_id", *(["changes=body"] if verb == "update" else []), "version=version"]
        asks = layout.call(f"{contract}.{verb.capitalize()}{kept}", given)
        answered = "Response" if verb == "delete" else f"{kept} | Response"
        routes[verb] = {
            "decorator": _decorator(
                method,
                [*options, f"openapi_extra=authenticated({headers})", f"responses={responses}(Progress[{kept}])"],
            ),
            "definition": contracts.definition(f"{verb}_{entity.snake}", [*parameters, *asked], answered),
            "start": contracts.statement(started, before="started = "),
            "wanted": contracts.statement(asks, before="wanted = "),
        }
    return routes


def _config(example: Mapping[str, Any]) -> str:
    options: list[Item | str] = ['extra="forbid"', "strict=True"]
    options.append(Item(layout.value({"examples": [example]}), "json_schema_extra="))
    return contracts.statement(layout.call("ConfigDict", options), before="model_config = ")


def _decorator(method: str, arguments: Sequence[Item | str]) -> str:
    return layout.render(layout.group(f"@router.{method}(", arguments, ")"))


def example_body(addition: Addition, entity: Entity) -> dict[str, Any]:
    """An example of what is given of a new one, as JSON; without what may be left out."""
    body: dict[str, Any] = {}
    for field in entity.all_fields:
        if not field.optional:
            example = addition.types.example(field.shape)
            if example is None:
                raise contracts.no_example(field.name, field.shape)
            body[field.wire] = example.json
    return body
