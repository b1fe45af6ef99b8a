"""`add idempotency-key`: a convention that makes an id of business fields."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from resonate_scaffold import layout
from resonate_scaffold.errors import UsageError
from resonate_scaffold.fields import SCALARS, Field, parse_fields
from resonate_scaffold.generators import contract as contracts
from resonate_scaffold.generators.growth import Bind, Growth, Imports, asked_before, check_kind
from resonate_scaffold.plan import Plan
from resonate_scaffold.project import Project
from resonate_scaffold.templates import render_add

# What a key is made of: one text for each value, and no two values that are equal and read differently.
_TYPES = {
    "str": "TEXTS",
    "int": "st.integers()",
    "bool": "st.booleans()",
    "date": "st.dates()",
    "datetime": "st.datetimes(timezones=st.just(UTC))",
    "UUID": "st.uuids()",
}


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """``fields``: ``FIELD`` (a text) or ``FIELD:TYPE``."""

    name: str
    fields: tuple[str, ...]


def add_idempotency_key(project: Project, request: KeyRequest) -> Plan:
    """Plan a key convention: a function in ``ids``, and its property test."""
    name = contracts.noun(request.name, "key")
    growth = Growth(project, "idempotency-key", name.kebab)
    if not request.fields:
        raise UsageError("A key is made of fields", "For example: --from customer_id --from number:int")
    specs = [spec if ":" in spec else f"{spec}:str" for spec in request.fields]
    fields = parse_fields(specs, "--from", growth.types.resolve)
    for field in fields:
        if field.name == "keyed":
            raise UsageError("--from keyed means something else in ids.py", "Name it for what it is.")
        if field.shape.kind != "scalar" or field.shape.name not in _TYPES:
            hint = f"It is made of: {' '.join(_TYPES)}"
            raise UsageError(f"--from {field.spelled}: a key is not made of {field.shape.spelled}", hint)
    growth.options = contracts.options(fields=fields)
    if done := asked_before(growth):
        return done
    check_kind(growth, name.kebab)

    def write(bind: Bind) -> str:
        parameters = [f"{field.name}: {_annotation(field, bind)}" for field in fields]
        keyed = layout.call(
            bind("runtime.durable.ids", "keyed"), [layout.text(name.kebab), *(field.name for field in fields)]
        )
        context = {
            "definition": layout.render(layout.group(f"def {name.snake}(", parameters, ") -> str:")),
            "docstring": layout.docstring(
                f"``{_spelled(name.kebab, fields)}``: the request itself names the work.", indent=4
            ),
            "answer": contracts.statement(keyed, before="return "),
        }
        return render_add("idempotency_key/function.py", context)

    growth.append(growth.module("ids"), name.snake, write)
    _test(growth, name.snake, fields, name.kebab)
    return growth.plan()


def _spelled(kind: str, fields: tuple[Field, ...]) -> str:
    """The id as its docstring shows it."""
    whole = "/".join([kind, *(f"<{field.name}>" for field in fields)])
    return whole if len(whole) <= 100 else f"{kind}/<{fields[0].name}>/…"


def _annotation(field: Field, bind: Bind) -> str:
    if field.shape.name == "datetime":
        return bind("!datetime", "datetime")
    module, name = SCALARS[field.shape.name]
    return bind(module, name) if module else name


def _test(growth: Growth, function: str, fields: tuple[Field, ...], kind: str) -> None:
    strategies = [_TYPES[field.shape.name] for field in fields]
    has_text = "TEXTS" in strategies
    imports = Imports()
    imports.add([("ids", None)])
    imports.names("runtime.durable.ids", "MAX_ROOT", "is_visible", "owned", "public_of")
    if any("UTC" in strategy for strategy in strategies):
        imports.names("!datetime", "UTC")
    types = [_annotation(field, lambda module, name: name or module) for field in fields]
    imports.names("!datetime", *(kind for kind in types if kind in ("date", "datetime")))
    if "UUID" in types:
        imports.names("!uuid", "UUID")
    context = {
        "function": function,
        "kind": kind,
        "has_text": has_text,
        "type": contracts.statement(layout.group("tuple[", types, "]"), indent=0, before="type Fields = "),
        "fields": contracts.statement(layout.call("st.tuples", strategies), indent=0, before="FIELDS = "),
    }
    growth.create("idempotency_key/test.py", PurePosixPath("tests", f"test_key_{function}.py"), context, imports)
