"""The tests of an entity: of what its durable functions do once, and of its routes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from resonate_scaffold import layout
from resonate_scaffold.fields import Field
from resonate_scaffold.generators import contract as contracts
from resonate_scaffold.generators.addition import Addition, Imports, tests_path
from resonate_scaffold.generators.entities import Entity, Ref, entity_of, find_entity
from resonate_scaffold.names import Noun

NOBODY = "0191e8a0-0000-7000-8000-000000000000"
"""An id that no row has."""

# What JSON answers as it was sent; a Decimal may have more zeros behind the point.
_AS_SENT = frozenset({"str", "int", "bool", "date", "UUID"})


def write_test(addition: Addition, entity: Entity, routes: str) -> None:
    """Make the tests of an entity."""
    reads, writes = routes != "none", routes == "crud"
    context = entity.context
    body = required_body(addition, entity)
    other = _other(addition, entity)
    changes = _changes(addition, entity)
    imports = Imports(["BODY", "OTHER", "CHANGES", "PATH", "needed", "create"])
    imports.names("runtime.testing.running", "CallFunction")
    imports.names("runtime.database", "Database")
    imports.names("db.models", entity.row)
    imports.names(entity.contract, context["new"], f"create_{entity.snake}")
    needs = list(needed(addition, entity, imports))
    if not writes:
        verbs = [f"{verb}_{entity.snake}" for verb in ("update", "delete")]
        models = ("changes", "update_model", "delete_model")
        imports.names(entity.contract, *(context[part] for part in models), *verbs)
    if reads and not writes:
        imports.names(entity.contract, context["kept"])
    if reads:
        imports.names("runtime.testing.running", "RunningService", "StartService", "problem")
    elif needs or entity.unique:
        imports.names("runtime.testing.running", "RunningService")
    if needs:
        imports.names("!uuid", "UUID")
    refs = []
    for ref in others(entity):
        to = entity_of(addition, find_entity(addition.project, ref.entity, "--ref"))
        imports.names(to.contract, f"Delete{to.pascal}", f"delete_{to.snake}")
        names = {"delete": f"delete_{to.snake}", "model": f"Delete{to.pascal}", "snake": to.snake}
        refs.append({"field": ref.field.name, **names})
    shared = [list(names) for names in entity.unique]
    unique = layout.render(layout.value(shared if len(shared) > 1 else shared[0])) if shared else ""
    required = [field.wire for field in entity.fields if not field.optional]
    context |= {
        "summary": layout.docstring(f"The entity `{entity.name.kebab}`, on a real database."),
        "reads": reads,
        "writes": writes,
        "body": assigned("BODY", body),
        "other": assigned("OTHER", other) if other and writes else "",
        "changes": assigned("CHANGES", changes) if changes else "",
        "changes_model": entity.changes,
        "needs": needs,
        "refs": refs,
        "unique": f"{'in' if len(shared) > 1 else '=='} {unique}" if unique else "",
        "required": layout.render(layout.value(required)) if required else "",
        "nobody": NOBODY,
    }
    addition.create("entity/test.py", tests_path("entity", entity.name), context, imports)


def assigned(name: str, value: Mapping[str, Any]) -> str:
    """A dictionary at module level."""
    before = f"{name}: dict[str, object] = "
    return contracts.statement(layout.value(value), indent=0, before=before)


def required_body(addition: Addition, entity: Entity) -> dict[str, Any]:
    """What a new one needs, as JSON, but for what it refers to; and what no two may share."""
    unique = {name for names in entity.unique for name in names}
    return {
        field.wire: _value(addition, field) for field in entity.fields if not field.optional or field.name in unique
    }


def others(entity: Entity) -> list[Ref]:
    """Its references to other entities than itself."""
    return [ref for ref in entity.refs if ref.entity != entity.name.kebab]


def needed(addition: Addition, entity: Entity, imports: Imports) -> Iterator[str]:
    """The statements that make what an entity refers to, and return its body; none where it refers to nothing."""
    refs = others(entity)
    if not refs:
        return
    made: dict[str, str] = {}
    for ref in refs:
        yield from _make(addition, ref.entity, made, imports)
    items = [layout.Item("BODY", "**")]
    items += (layout.Item(f"str({made[ref.entity]}.id)", f'"{ref.field.name}": ') for ref in refs)
    yield contracts.statement(layout.group("{", items, "}"), before="return ")


def _make(addition: Addition, name: str, made: dict[str, str], imports: Imports, run: str = "run") -> Iterator[str]:
    """The statements that make one row of an entity, and before it of those that it must refer to."""
    if name in made:
        return
    entity = entity_of(addition, find_entity(addition.project, name, "--ref"))
    needs = required_body(addition, entity).items()
    body = [layout.Item(layout.value(value), f"{layout.text(key)}: ") for key, value in needs]
    for ref in entity.refs:
        if not ref.field.optional:
            yield from _make(addition, ref.entity, made, imports, run)
            body.append(layout.Item(f"{made[ref.entity]}.id", f'"{ref.field.name}": '))
    imports.names(entity.contract, f"New{entity.pascal}", f"create_{entity.snake}")
    variable = made[name] = entity.snake
    given = layout.call(f"New{entity.pascal}.model_validate", [layout.Item(layout.group("{", body, "}"))])
    arguments: list[layout.Item | str] = [f"create_{entity.snake}", f'"test/{entity.name.kebab}"', layout.Item(given)]
    call = layout.group(f"await {run}(", arguments, ")")
    yield contracts.statement(call, before=f"{variable} = ")


def _value(addition: Addition, field: Field, *, other: bool = False) -> Any:
    shape = field.shape.inner if field.shape.kind == "optional" else field.shape
    example = addition.types.example(shape, other=other)
    if example is None:
        raise contracts.no_example(field.name, shape)
    return example.json


def _another(addition: Addition, field: Field) -> Any:
    """A value that is not the field's default, as JSON."""
    shape = field.shape.inner if field.shape.kind == "optional" else field.shape
    default = field.value.json if field.value is not None else None
    for other in (True, False):
        example = addition.types.example(shape, other=other)
        if example is not None and example.json != default:
            return example.json
    raise contracts.no_example(field.name, shape)


def _other(addition: Addition, entity: Entity) -> dict[str, Any]:
    """Other values for what no two may share; empty where none are known."""
    known = {field.name: field for field in entity.fields}
    found: dict[str, Any] = {}
    for names in entity.unique:
        for field in filter(None, map(known.get, names)):
            shape = field.shape.inner if field.shape.kind == "optional" else field.shape
            other = addition.types.example(shape, other=True)
            if other is not None and other.json != _value(addition, field):
                found[field.wire] = other.json
                break
        else:
            return {}
    return found


def _changes(addition: Addition, entity: Entity) -> dict[str, Any]:
    """Another value for one of the fields, which is answered as it is sent; empty where none is known."""
    for field in entity.fields:
        shape = field.shape.inner if field.shape.kind == "optional" else field.shape
        plain = shape
        while plain.kind == "alias" and plain.of is not None:
            plain = plain.of
        other = addition.types.example(shape, other=True)
        as_sent = plain.kind in ("enum", "literal") or plain.name in _AS_SENT
        if as_sent and other is not None and other.json != _value(addition, field):
            return {field.wire: other.json}
    return {}


def write_field_test(addition: Addition, entity: Entity, field: Field, ref: Ref | None) -> None:
    """Make the test of a field that was added later."""
    imports = Imports(["BODY", "needed", "call", "made", "changed", "wanted", "changes"])
    imports.names("runtime.testing.running", "CallFunction")
    verbs = [f"{verb}_{entity.snake}" for verb in ("create", "update")]
    imports.names(entity.contract, entity.new, entity.changes, f"Update{entity.pascal}", *verbs)
    needs = list(needed(addition, entity, imports))
    referred: list[str] = []
    if ref is not None:
        made = {entity.name.kebab: "made"}
        referred = list(_make(addition, ref.entity, made, imports, run="call"))
        change: layout.Code = layout.group("{", [layout.Item(f"str({made[ref.entity]}.id)", f'"{field.wire}": ')], "}")
    else:
        change = layout.value({field.wire: _another(addition, field)})
    context = {
        **entity.context,
        "summary": layout.docstring(f"The field `{field.name}` of the entity `{entity.name.kebab}`."),
        "body": assigned("BODY", required_body(addition, entity)),
        "needs": needs,
        "field": field.name,
        "referred": referred,
        "change": layout.render(change),
    }
    path = tests_path("field", Noun(f"{entity.snake}_{field.name}"))
    addition.create("field/test.py", path, context, imports)
