"""What an entity is: its fields, what it refers to, and what its code is called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from resonate_scaffold.errors import Unknown, UsageError
from resonate_scaffold.fields import Field, closest, parse_fields
from resonate_scaffold.generators import contract as contracts
from resonate_scaffold.generators.addition import Addition
from resonate_scaffold.generators.columns import RESERVED, Bind, beside, bounded, check_indexed, checked_name, column_of
from resonate_scaffold.names import Noun
from resonate_scaffold.project import Added, Project
from resonate_scaffold.shape import Shape

_IRREGULAR = re.compile(r".*(s|x|z|ch|sh|[^aeiou]y|f|fe|man|o|child|person)")
_ROLE, _ENTITY = r"(?P<role>[a-z][a-z0-9_]*)", r"(?P<entity>[a-z][a-z0-9_-]*)"
_REF = re.compile(rf"(?:{_ROLE}:)?{_ENTITY}(?P<optional>\??)")


@dataclass(frozen=True, slots=True)
class EntityRequest:
    """``fields`` and ``refs`` as typed; ``unique`` are names of fields, with commas between those that are so together;
    ``plural`` is what several are called."""

    name: str
    fields: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()
    routes: str = "crud"
    plural: str | None = None


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference to an entity, by a column that holds its id."""

    field: Field
    entity: str
    table: str

    @property
    def spelled(self) -> str:
        """As it is typed on the command line."""
        role, optional = self.field.name.removesuffix("_id"), "?" if self.field.optional else ""
        return f"{'' if role == self.entity.replace('-', '_') else f'{role}:'}{self.entity}{optional}"


@dataclass(frozen=True, slots=True)
class Entity:
    """What the parts of the generators share."""

    name: Noun
    plural: Noun
    fields: tuple[Field, ...]
    refs: tuple[Ref, ...]
    unique: tuple[tuple[str, ...], ...]

    @property
    def snake(self) -> str:
        return self.name.snake

    @property
    def pascal(self) -> str:
        return self.name.pascal

    @property
    def new(self) -> str:
        """The model of what is given of a new one."""
        return f"New{self.pascal}"

    @property
    def changes(self) -> str:
        """The model of fields to change."""
        return f"{self.pascal}Changes"

    @property
    def row(self) -> str:
        """The class of its rows."""
        return f"{self.pascal}Row"

    @property
    def table(self) -> str:
        return self.plural.kebab.replace("-", "_")

    @property
    def path(self) -> str:
        """Where its routes are."""
        return f"/{self.plural.kebab}"

    @property
    def words(self) -> str:
        """It in a sentence."""
        return self.name.kebab.replace("-", " ")

    @property
    def article(self) -> str:
        return "an" if self.words[0] in "aeiou" else "a"

    @property
    def contract(self) -> str:
        """The module of its contracts."""
        return f"contracts.db.{self.snake}"

    @property
    def all_fields(self) -> tuple[Field, ...]:
        """Its fields, those that refer to others last."""
        return (*self.fields, *(ref.field for ref in self.refs))

    @property
    def context(self) -> dict[str, Any]:
        """What every template is told."""
        own = ("snake", "row", "table", "path", "words", "article", "new", "changes")
        return {
            **{part: getattr(self, part) for part in own},
            "plural_words": self.plural.kebab.replace("-", " "),
            "kept": self.pascal,
            "update_model": f"Update{self.pascal}",
            "delete_model": f"Delete{self.pascal}",
        }

    def attribute(self, field: Field, bind: Bind) -> str:
        """A line of the class of its rows."""
        more = reference(next((ref for ref in self.refs if ref.field == field), None), bind)
        unique = ["unique=True"] if (field.name,) in self.unique else []
        return column_of(field).attribute(beside(bind, {it.name for it in self.all_fields}), [*more, *unique])


def reference(ref: Ref | None, bind: Bind) -> list[str]:
    """What a column that refers to another table says of it."""
    return [] if ref is None else [f'{bind("!sqlalchemy", "ForeignKey")}("{ref.table}.id")', "index=True"]


def foreign_key_name(table: str, ref: Ref) -> str:
    """The name of a foreign key, by the convention of the runtime's `columns.py`."""
    return checked_name(f"fk_{table}_{ref.field.name}_{ref.table}")


def index_name(table: str, column: str) -> str:
    """The name of an index, by the same convention."""
    return checked_name(f"ix_{table}_{column}")


def unique_name(table: str, columns: tuple[str, ...]) -> str:
    """The name of a unique constraint, by the same convention."""
    return checked_name(f"uq_{table}_{'_'.join(columns)}")


def read_entity(addition: Addition, name: Noun, request: EntityRequest) -> Entity:
    """An entity as it was asked for.

    Raises:
        UsageError, Unknown: it cannot be made.
    """
    fields = tuple(map(bounded, parse_fields(list(request.fields), "--field", addition.types.resolve)))
    plural = contracts.noun(request.plural or _plural(name), "entities")
    table = plural.kebab.replace("-", "_")
    refs = tuple(parse_ref(addition, text, (name.kebab, table)) for text in request.refs)
    unique = tuple(tuple(part.strip() for part in text.split(",")) for text in request.unique)
    entity = Entity(name, plural, fields, refs, unique)
    known = {field.name: field for field in entity.all_fields}
    if not known:
        raise UsageError(f"{name} has no field", "Give at least one: --field name:str:1..80")
    if len(known) < len(entity.all_fields):
        raise UsageError(f"{name} has a field twice", "Give each field once.")
    for field in entity.all_fields:
        check_column(field, "--field ")
    for one in (one for names in entity.unique for one in names):
        if one not in known:
            raise Unknown(f"--unique {one}: {name} has no such field", closest(one, list(known)))
        check_indexed(known[one], "--unique")
    return entity


def entity_of(addition: Addition, record: Added) -> Entity:
    """An entity that was added, with the fields that it had then."""
    texts = {part: tuple(map(str, record.options[part])) for part in ("fields", "unique", "refs")}
    routes, plural = str(record.options["routes"]), str(record.options["plural"])
    request = EntityRequest(record.name, **texts, routes=routes, plural=plural)
    return read_entity(addition, contracts.noun(record.name, "entity"), request)


def find_entity(project: Project, name: str, option: str) -> Added:
    """The record of an entity.

    Raises:
        Unknown: there is none.
    """
    record = project.find_add("entity", name.replace("_", "-"))
    if record is None:
        known = [one.name for one in project.adds("entity")]
        raise Unknown(f"{option}{name}: no entity of this name was added", closest(name, known))
    return record


def parse_ref(addition: Addition, text: str, own: tuple[str, str]) -> Ref:
    """A reference as it is typed: ``clinic``, ``clinic?``, ``referrer:doctor?``; ``own`` is the entity that has it.

    Raises:
        UsageError: it is none.
        Unknown: there is no such entity.
    """
    match = _REF.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"--ref {text} is not [ROLE:]ENTITY[?]", "For example: --ref clinic, --ref referrer:doctor?")
    entity, optional = match["entity"].replace("_", "-"), bool(match["optional"])
    if entity == own[0]:
        table = own[1]
        if not optional:
            role = match["role"] or "parent"
            raise UsageError(f"The first {entity} could refer to none", f"Let it be left out: --ref {role}:{entity}?")
    else:
        table = str(find_entity(addition.project, entity, "--ref ").options["plural"]).replace("-", "_")
    shape = Shape("scalar", "UUID")
    role = match["role"] or entity.replace("-", "_")
    return Ref(Field(f"{role}_id", Shape("optional", of=shape) if optional else shape, optional), entity, table)


def check_column(field: Field, option: str) -> None:
    """Refuse a field that no row can have.

    Raises:
        UsageError: every row has it, SQLAlchemy calls something of its own so, or there is no column for its type.
    """
    if field.name in RESERVED:
        hint = f"Try: {option}the_{field.wire}:{field.shape.spelled}"
        raise UsageError(f"{option}{field.wire} means something else in a row", hint)
    column_of(field)


def fields_added(project: Project, entity: str) -> list[Added]:
    """The records of the fields that were added to an entity later."""
    return [record for record in project.adds("field") if record.name.partition(" ")[0] == entity]


def referring(project: Project, entity: str) -> Iterator[str]:
    """What was added that refers to an entity, as `remove` takes it."""
    for record in (*project.adds("entity"), *project.adds("field")):
        texts = record.options["refs"] if record.kind == "entity" else [record.options.get("ref") or ""]
        to = {match["entity"].replace("_", "-") for text in texts if (match := _REF.fullmatch(str(text)))}
        if entity in to and record.name.partition(" ")[0] != entity:
            yield f"{record.kind} {record.name}"


def _plural(name: Noun) -> str:
    """What several are called, where English is regular.

    Raises:
        UsageError: it may not be.
    """
    words = name.kebab
    if not _IRREGULAR.fullmatch(words):
        return f"{words}s"
    guess = f"{words}es" if re.search(r"(s|x|z|ch|sh)$", words) else f"{words}s"
    for end, other in (("person", "people"), ("child", "children"), ("man", "men"), ("y", "ies"), ("fe", "ves")):
        if words.endswith(end):
            guess = words.removesuffix(end) + other
            break
    raise UsageError(f"What are several of {name} called? Its table and its path need a name", f"Try: --plural {guess}")
