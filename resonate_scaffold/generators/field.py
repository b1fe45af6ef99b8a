"""`add field`: another field of an entity: in its models, its table, a migration, a test."""

from __future__ import annotations

from dataclasses import dataclass

from resonate_scaffold import layout
from resonate_scaffold.errors import Taken, UsageError
from resonate_scaffold.fields import Field, parse_field
from resonate_scaffold.generators.addition import Addition, Imports, asked_before
from resonate_scaffold.generators.columns import beside, bounded, check_indexed, column_of, default_in_sql
from resonate_scaffold.generators.entities import (
    Entity,
    Ref,
    check_column,
    entity_of,
    find_entity,
    foreign_key_name,
    index_name,
    parse_ref,
    reference,
    unique_name,
)
from resonate_scaffold.generators.entity import changed_line
from resonate_scaffold.generators.entity_test import write_field_test
from resonate_scaffold.generators.migrations import Step, next_step
from resonate_scaffold.plan import Plan
from resonate_scaffold.project import Project
from resonate_scaffold.shapes import declaration


@dataclass(frozen=True, slots=True)
class FieldRequest:
    """``field`` as typed, or ``ref`` instead: ``clinic?``."""

    entity: str
    field: str | None = None
    ref: str | None = None
    unique: bool = False


def add_field(project: Project, request: FieldRequest) -> Plan:
    """Plan a field of an entity: models, row, migration, test."""
    record = find_entity(project, request.entity, "")
    if (request.field is None) == (request.ref is None):
        raise UsageError("A field is FIELD:TYPE, or refers to an entity", "Give FIELD:TYPE, or --ref ENTITY?")
    addition = Addition(project, "field", record.name)  # It has a name once the field is read.
    entity = entity_of(addition, record)
    ref = parse_ref(addition, request.ref, (entity.name.kebab, entity.table)) if request.ref else None
    field = ref.field if ref else bounded(parse_field(request.field or "", "FIELD", addition.types.resolve))
    addition.name = f"{record.name} {field.name}"
    step = next_step(project, f"{entity.snake}_{field.name}", project.find_add("field", addition.name))
    addition.options = {
        "field": None if ref else field.spelled,
        "ref": ref.spelled if ref else None,
        "unique": request.unique,
        **step.options,
    }
    if done := asked_before(addition):
        return done
    there = {one.name for one in addition.types.fields(f"{entity.contract}.{entity.pascal}")}
    if field.name in there:
        raise Taken(f"{entity.name} has {field.name} already", "Choose another name.")
    _check(entity, field, ref, unique=request.unique)
    names = {*there, field.name}
    contract, models = addition.module(entity.contract), addition.module("db.models")
    addition.append_field(contract, entity.new, field.name, lambda bind: declaration(field, beside(bind, names)))
    addition.append_field(contract, entity.changes, field.name, lambda bind: changed_line(field, beside(bind, names)))
    unique = ["unique=True"] if request.unique else []
    addition.append_field(
        models,
        entity.row,
        field.name,
        lambda bind: column_of(field).attribute(beside(bind, names), [*reference(ref, bind), *unique]),
    )
    _write_migration(addition, entity, field, ref, step, unique=request.unique)
    write_field_test(addition, entity, field, ref)
    addition.notes.append(f"`{project.package} migrate` makes the column, by {step.path.name}")
    return addition.plan()


def _check(entity: Entity, field: Field, ref: Ref | None, *, unique: bool) -> None:
    check_column(field, "")
    if field.has_alias:
        raise UsageError(
            f"{field.wire} is {field.name} in Python: a field that is added later has one name",
            f"Write {field.name}:{field.shape.spelled}",
        )
    bounds = f":{field.shape.bounds}" if field.shape.bounds else ""
    optional = f"{field.wire}:{field.shape.spelled}?{bounds}"
    if not field.optional:
        told = f"Let it be left out: {optional}; or give those rows a value: {field.spelled}=VALUE"
        told = f"Let it be left out: --ref {ref.spelled}?" if ref else told
        raise UsageError(f"The table {entity.table} may have rows, which have no {field.name}", told)
    if unique and field.shape.kind != "optional":
        raise UsageError(f"Rows that are there would all have the same {field.name}", f"Let it be left out: {optional}")
    if unique:
        check_indexed(field, "--unique")


def _write_migration(
    addition: Addition, entity: Entity, field: Field, ref: Ref | None, step: Step, *, unique: bool
) -> None:
    table, name = entity.table, field.name
    column = column_of(field)
    up = [f"table.add_column({column.in_migration(None if column.nullable else default_in_sql(field))})"]
    down = [f'table.drop_column("{name}")']
    if unique:
        called = unique_name(table, (name,))
        up.append(f'table.create_unique_constraint("{called}", ["{name}"])')
        down.insert(0, f'table.drop_constraint("{called}", type_="unique")')
    if ref:
        key, index = foreign_key_name(table, ref), index_name(table, name)
        up.append(f'table.create_foreign_key("{key}", "{ref.table}", ["{name}"], ["id"])')
        up.append(f'table.create_index("{index}", ["{name}"])')
        down[:0] = [f'table.drop_index("{index}")', f'table.drop_constraint("{key}", type_="foreignkey")']
    context = {
        "summary": layout.docstring(f"The field `{name}` of `{table}`."),
        "revision": step.revision,
        "after": step.down_revision,
        "table": table,
        "upgrade": up,
        "downgrade": down,
    }
    addition.create("field/migration.py", step.path, context, Imports())
