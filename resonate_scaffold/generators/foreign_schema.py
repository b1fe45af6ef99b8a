"""What `add rpc --from-schema` reads: a contract of another team, as `export contracts` writes it (JSON Schema).

Its nested models, its enumerations and bounds, and its failures become a module of types, beside that of the contract.
A schema that no model can be made of is refused, and says where.
"""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from resonate_scaffold import layout
from resonate_scaffold.errors import UsageError, plain
from resonate_scaffold.export.json_schema import ABOUT
from resonate_scaffold.fields import is_reserved
from resonate_scaffold.layout import Item
from resonate_scaffold.values import has_example_text

_BY_HAND = "Ask for another schema, or leave --from-schema out and write the models of the contract yourself."
_SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
_FORMATS = {"date": "date", "date-time": "datetime", "uuid": "UUID", "decimal": "Decimal"}
_CODE = {"datetime": "AwareDatetime"}
_MODULES = {
    **{"date": "datetime", "Decimal": "decimal", "Annotated": "typing", "Literal": "typing", "UUID": "uuid"},
    **{"AwareDatetime": "pydantic", "BaseModel": "pydantic", "Field": "pydantic"},
}
_NUMBER = {
    **{"minimum": "ge", "exclusiveMinimum": "gt", "maximum": "le", "exclusiveMaximum": "lt"},
    "multipleOf": "multiple_of",
}
# Of each type: what bounds it, and what a model calls that.
_BOUNDS: Mapping[str, Mapping[str, str]] = {
    "str": {"minLength": "min_length", "maxLength": "max_length", "pattern": "pattern"},
    "int": _NUMBER,
    "float": _NUMBER,
    "list": {"minItems": "min_length", "maxItems": "max_length"},
}
# What restricts a value in ways that no model here does.
_BEYOND = (
    *("allOf", "not", "if", "then", "else", "contains", "uniqueItems", "prefixItems", "patternProperties"),
    *("propertyNames", "minProperties", "maxProperties", "dependentRequired", "dependentSchemas", "$dynamicRef"),
)
# Pydantic's engine for patterns has none of these.
_LOOKS_AROUND = re.compile(r"\(\?[=!<]|\\[1-9]|\(\?P?[=>]")
_OF_THE_RUNTIME = {
    **{"invalid-request": "InvalidRequest", "operation-conflict": "OperationConflict"},
    **{"step-failed": "StepFailed", "value-not-kept": "ValueNotKept"},
}


@dataclass(frozen=True, slots=True)
class Typed:
    """A type: as an annotation in the module of types, and as --takes has it."""

    code: str
    spelled: str


@dataclass(frozen=True, slots=True)
class Member:
    """A field of a model; ``optional``: it is None where it is left out."""

    name: str
    type: Typed
    optional: bool

    @property
    def line(self) -> str:
        return f"{self.name}: {self.type.code}{' | None = None' if self.optional else ''}"


@dataclass(frozen=True, slots=True)
class ForeignContract:
    """What the file says: ``durable`` is the function's name on the engine.

    ``failures`` are classes of ``types``, which is "" where no types are needed.
    """

    durable: str
    takes: tuple[Member, ...]
    returns: tuple[Member, ...]
    failures: tuple[str, ...]
    runtime_failures: tuple[str, ...]
    version: int
    types: str
    notes: tuple[str, ...]


def read(text: str, file: str, group: str, durable: str, module: str, taken: Sequence[str]) -> ForeignContract:
    """Read a schema.

    Args:
        file: its name, for errors.
        group, durable: what was asked for, which it must be of, however the name is spelt there.
        module: the module of types, below ``contracts``.
        taken: names that mean something else there.

    Raises:
        UsageError: it is no such file, of another function, or has what cannot be expressed.
    """
    try:
        document = json.loads(text, parse_constant=_no_number)
        properties = document["properties"]
        request, result = properties["request"], properties["result"]
    except (ValueError, KeyError, TypeError, RecursionError):
        hint = (
            "It is a JSON Schema with the properties request and result: resonate-scaffold export contracts writes such"
        )
        raise UsageError(f"{file} is no schema of a durable function", hint) from None
    about = document.get(ABOUT)
    about = about if isinstance(about, dict) else {}
    found = str(about.get("group", group)), str(about.get("name", durable))
    plain_name = _kebab(found[1].rpartition(".")[2])
    if found[0] != group or plain_name != _kebab(durable.rpartition(".")[2]):
        raise UsageError(
            f"{file} is of {plain(found[1])} in group {plain(found[0])}, which is not {durable} in group {group}",
            f"Use resonate-scaffold add rpc {plain(found[0])}.{plain(plain_name)} --from-schema {file}",
        )
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}", found[1]):
        raise UsageError(f"{file}: {plain(found[1])} is no name of a durable function", _BY_HAND)
    version = about.get("version", 1)
    if type(version) is not int or version < 1:
        raise UsageError(f"{file}: its version is {plain(str(version))}, and should be a number from 1", _BY_HAND)
    reader = _Reader(file, document, module, set(taken))
    try:
        takes = reader.members(request, "request", sent=True)
        returns = reader.members(result, "result", sent=False)
        failures = reader.failures(properties.get("failure", {}))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:  # a word with a wrong value
        raise UsageError(f"{file} is no JSON Schema: {plain(str(error))}", _BY_HAND) from None
    own = tuple(name for name in failures if name not in _OF_THE_RUNTIME.values())
    runtime = tuple(name for name in failures if name in _OF_THE_RUNTIME.values())
    return ForeignContract(found[1], takes, returns, own, runtime, version, reader.text(found[1]), tuple(reader.notes))


@dataclass
class _Reader:
    """``made`` has the definitions of the module of types, in order, by name."""

    file: str
    document: Mapping[str, Any]
    module: str
    taken: set[str]
    made: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _of_refs: dict[tuple[str, bool], Typed] = field(default_factory=dict)
    _sent: bool = False
    _bodies: dict[tuple[str, ...], str] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)
    _names: set[str] = field(default_factory=set)

    def members(self, schema: Any, where: str, *, sent: bool) -> tuple[Member, ...]:
        """The fields of an object. One that is ``sent`` has all of them."""
        self._sent = sent
        _, schema = self._followed(schema, where)
        if schema.get("type") != "object":
            raise self._refused(where, f"is {_kind(schema)}, and a request or a result here is an object")
        return self._fields(schema, where)

    def failures(self, schema: Any) -> tuple[str, ...]:
        """The classes of the failures."""
        found = []
        for kind in schema.get("anyOf", [schema] if schema else []):
            try:
                parts = kind["properties"]
                code, status = parts["code"]["const"], parts.get("status", {}).get("const", 422)
            except (KeyError, TypeError):
                raise self._refused("failure", "has a kind without a code") from None
            if not isinstance(code, str) or not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", code):
                raise self._refused("failure", f"has the code {plain(str(code))}, and one here is like card-declined")
            if type(status) is not int or not 400 <= status <= 599:
                raise self._refused(
                    "failure", f"has the status {plain(str(status))}, and one is 400 to 599, as in HTTP"
                )
            if code in _OF_THE_RUNTIME:
                found.append(_OF_THE_RUNTIME[code])
                continue
            name = "".join(word.capitalize() for word in code.split("-"))
            if name in self.taken or name in self._names:
                raise self._refused("failure", f"has the code {code}, whose class {name} means something else here")
            fields = self.members(parts["fields"], f"failure {code}", sent=False) if "fields" in parts else ()
            lines = [*([f"status = {status}"] if status != 422 else []), *(member.line for member in fields)]
            derived = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()
            if derived != code:
                lines.insert(0, f"code = {layout.text(code)}")
            docstring = layout.docstring(f"Failure `{code}`.", indent=4)
            self._define(
                name, [f"class {name}(Failure):", f"    {docstring}", *([""] if lines else []), *_indented(lines)]
            )
            found.append(name)
        return tuple(found)

    def text(self, durable: str) -> str:
        """The module of types."""
        if not self.made:
            return ""
        body = "\n".join(line for lines in self.made.values() for line in lines)
        code = re.sub(r'"(?:\\.|[^"\\])*"|`[^`]*`', "", body)
        names: dict[str, list[str]] = {}
        for name, module in sorted(_MODULES.items()):
            if re.search(rf"\b{name}\b", code):
                names.setdefault(module, []).append(name)
        pydantic = names.pop("pydantic", [])
        blocks = [[f"from {module} import {', '.join(names[module])}" for module in sorted(names)]]
        blocks += [[f"from pydantic import {', '.join(pydantic)}"]] if pydantic else []
        blocks += [["from ...runtime.errors import Failure"]] if "(Failure):" in code else []
        text = layout.docstring(f"The types of `{durable}`, which another team serves.") + "\n"
        text += "".join("\n" + "\n".join(block) + "\n" for block in blocks if block)
        before = "import"
        for lines in self.made.values():
            kind = "class" if lines[0].startswith("class ") else "alias"
            blank = 2 if "class" in (kind, before) else 1 if before == "import" else 0
            text += "\n" * blank + "\n".join(lines) + "\n"
            before = kind
        return text

    def _fields(self, schema: Mapping[str, Any], where: str) -> tuple[Member, ...]:
        self._check(schema, where)
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if not isinstance(properties, dict):
            raise self._refused(where, "has properties that are no object")
        members = []
        for name, part in properties.items():
            at = f"{where}.{plain(name)}"
            if not name.isidentifier() or not name.isascii() or keyword.iskeyword(name) or name.startswith("_"):
                raise self._refused(at, "has a name that no field of a Python model can have")
            if is_reserved(name):
                raise self._refused(at, "has a name that means something else in a model")
            typed, is_nullable = self._type(part, at)
            if self._sent and name not in required and not is_nullable and "default" not in part:
                self.notes.append(f"{at} may be left out; here it is always sent")
            members.append(Member(name, typed, optional=is_nullable or (name not in required and not self._sent)))
        return tuple(members)

    def _type(self, schema: Any, where: str) -> tuple[Typed, bool]:
        """The type of a value, and whether it may be null."""
        ref, schema = self._followed(schema, where)
        if ways := schema.get("anyOf", schema.get("oneOf")):
            rest = [way for way in ways if not (isinstance(way, dict) and way.get("type") == "null")]
            if len(rest) != 1:
                raise self._refused(where, "may be one of several types, and a field here has one")
            return self._type(rest[0], where)[0], len(rest) < len(ways)
        kind = schema.get("type")
        if isinstance(kind, list):
            rest = [each for each in kind if each != "null"]
            if len(rest) != 1:
                raise self._refused(where, "may be one of several types, and a field here has one")
            return self._type({**schema, "type": rest[0]}, where)[0], len(rest) < len(kind)
        # What is sent has all of its fields, and what is read need not have.
        known = (ref or "", self._sent)
        if known in self._of_refs:
            return self._of_refs[known], False
        if ref is not None and ref in self._open:
            raise self._refused(where, f"is part of itself ({plain(ref)}), and no example of that can be made")
        self._open += [ref] if ref else []
        typed = self._plain(schema, where, ref)
        if ref is not None:
            self._open.remove(ref)
            self._of_refs[known] = typed
        return typed, False

    def _plain(self, schema: Mapping[str, Any], where: str, ref: str | None) -> Typed:
        self._check(schema, where)
        values = schema.get("enum", [schema["const"]] if "const" in schema else None)
        if values is not None:
            if not values or not all(isinstance(value, str) or type(value) is int for value in values):
                raise self._refused(where, "is one of values that are neither texts nor whole numbers")
            code = layout.group(
                "Literal[", [layout.text(it) if isinstance(it, str) else repr(it) for it in values], "]"
            )
            return self._alias(code, where, ref)
        kind = schema.get("type")
        if kind in _SCALARS:
            name = _FORMATS.get(schema.get("format", ""), "str") if kind == "string" else _SCALARS[kind]
            return self._bounded(Typed(_CODE.get(name, name), name), schema, where, ref)
        if kind == "array":
            item, is_nullable = self._type(schema.get("items", {}), f"{where}[]")
            return self._bounded(_holding("list", item, is_nullable), schema, where, ref)
        if kind == "object" and schema.get("properties"):
            return self._model(schema, where, ref)
        if kind == "object" and isinstance(others := schema.get("additionalProperties"), dict) and others:
            item, is_nullable = self._type(others, f"{where}.*")
            return _holding("dict", item, is_nullable)
        raise self._refused(where, f"is {_kind(schema)}, and a field here has one type")

    def _model(self, schema: Mapping[str, Any], where: str, ref: str | None) -> Typed:
        lines = _indented([member.line for member in self._fields(schema, where)])
        name = self._free(schema.get("title") or ref or where)
        docstring = layout.docstring(f"Part of a {where.partition('.')[0]}.", indent=4)
        return self._define(name, [f"class {name}(BaseModel):", f"    {docstring}", "", *lines])

    def _bounded(self, typed: Typed, schema: Mapping[str, Any], where: str, ref: str | None) -> Typed:
        """The type with the bounds that a model can check."""
        rules: dict[str, Any] = {}
        for word, option in _BOUNDS.get(typed.spelled.partition("[")[0], {}).items():
            value = schema.get(word)
            if word == "pattern" and isinstance(value, str) and not _is_plain_pattern(value):
                self.notes.append(f"{where}: its pattern is not checked here, since Python's models cannot")
            elif value is not None:
                if not _is_bound(word, value):
                    raise self._refused(where, f"has {word} {plain(str(value))}, which is no bound")
                rules[option] = value
        if rules and isinstance(examples := schema.get("examples"), list):
            rules["examples"] = examples[:1]
        if "pattern" in rules and not has_example_text(rules):
            del rules["pattern"]
            self.notes.append(f"{where}: its pattern is not checked here, since no example of it is known")
        if not rules.keys() - {"examples"}:
            return typed
        bounds = [Item(layout.value(value), f"{option}=") for option, value in rules.items()]
        return self._alias(
            layout.group("Annotated[", [typed.code, Item(layout.call("Field", bounds))], "]"), where, ref
        )

    def _alias(self, code: layout.Code, where: str, ref: str | None) -> Typed:
        part = where.rpartition(".")[2]
        name = self._free(ref or (f"{self._open[-1]}.{part}" if self._open else where))
        return self._define(name, [f"{name} = {layout.render(code)}"])

    def _define(self, name: str, lines: list[str]) -> Typed:
        body = [line for line in lines[1:] if '"""' not in line] or [lines[0].partition(" = ")[2]]
        first = self._bodies.setdefault((name.rstrip("0123456789"), *body), name)
        if first != name:  # The same model, read and sent.
            return Typed(first, f"{self.module}.{first}")
        self._names.add(name)
        self.made[name] = lines
        return Typed(name, f"{self.module}.{name}")

    def _free(self, text: str) -> str:
        """A class's name from a title, a definition's name or a place, which nothing has yet."""
        words = re.findall(r"[A-Za-z0-9]+", re.sub(r"^(request|result)\.", "", str(text)))
        plain_name = "".join(word[:1].upper() + word[1:] for part in words for word in part.split("_")) or "Value"
        plain_name = plain_name if plain_name[0].isalpha() else f"N{plain_name}"
        numbers = (plain_name if number == 1 else f"{plain_name}{number}" for number in range(1, 10_000))
        return next(name for name in numbers if name not in self.taken and name not in self._names)

    def _followed(self, schema: Any, where: str) -> tuple[str | None, Mapping[str, Any]]:
        """A schema behind its references, and the name of the definition that it is."""
        name = None
        for _ in range(20):
            if schema is True or schema == {}:
                raise self._refused(where, "may be anything, and a field here has one type")
            if not isinstance(schema, dict):
                raise self._refused(where, "has no schema")
            if "$ref" not in schema:
                return name, schema
            ref = str(schema["$ref"])
            name = ref.removeprefix("#/$defs/")
            definitions = self.document.get("$defs", {})
            if not ref.startswith("#/$defs/") or name not in definitions:
                raise self._refused(where, f"refers to {plain(ref)}, which is not in $defs of the file")
            schema = definitions[name]
        raise self._refused(where, "refers to itself")

    def _check(self, schema: Mapping[str, Any], where: str) -> None:
        beyond = [word for word in _BEYOND if word in schema]
        if beyond:
            raise self._refused(where, f"has {beyond[0]}, which no model here checks")

    def _refused(self, where: str, problem: str) -> UsageError:
        return UsageError(f"{self.file}: {where} {problem}", _BY_HAND)


def _no_number(text: str) -> float:
    """For NaN and the infinities, which JSON does not have."""
    raise ValueError(text)


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", "-", name).lower()


def _holding(kind: str, item: Typed, is_nullable: bool) -> Typed:
    """A list, or a dict with texts as keys."""
    head = "list[" if kind == "list" else "dict[str, "
    code, spelled = (f"{item.code} | None", f"{item.spelled}?") if is_nullable else (item.code, item.spelled)
    return Typed(f"{head}{code}]", f"{head}{spelled}]")


def _is_bound(word: str, value: object) -> bool:
    """Whether a value is one that the word takes."""
    if word == "pattern":
        return isinstance(value, str)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if word == "multipleOf":
        return value > 0
    return word in _NUMBER or (isinstance(value, int) and value >= 0)


def _is_plain_pattern(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return _LOOKS_AROUND.search(pattern) is None


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    return "anything" if kind is None else f"of type {plain(str(kind))}"
