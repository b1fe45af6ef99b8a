"""`add idempotency-key`: a convention that makes an id of business fields.

--from customer_id --from number:int              one piece of work in the whole service, whoever asks for it
--from caller --from customer_id                  one for each caller: `caller` is who sent the request
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from resonate_scaffold import layout
from resonate_scaffold.errors import UsageError
from resonate_scaffold.fields import Field, parse_fields
from resonate_scaffold.generators import contract as contracts
from resonate_scaffold.generators.addition import Addition, Bind, Imports, asked_before, check_kind
from resonate_scaffold.plan import Plan
from resonate_scaffold.project import Project
from resonate_scaffold.shape import SCALARS
from resonate_scaffold.templates import render_add

CALLER = "caller"
"""The field of a key that is no business field: the caller's name, or None where the service has no API keys."""

# What a key is made of: one text for each value, and no two values that are equal and read differently.
_TYPES = {
    "str": "TEXTS",
    "int": "st.integers()",
    "bool": "st.booleans()",
    "date": "st.dates()",
    "datetime": "st.datetimes(timezones=st.just(UTC))",
    "Decimal": "st.decimals(allow_nan=False, allow_infinity=False)",
    "UUID": "st.uuids()",
}


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """``fields``: ``FIELD:TYPE``, or ``FIELD`` alone, whose type is that of the contracts' requests, else text."""

    name: str
    fields: tuple[str, ...]


def add_idempotency_key(project: Project, request: KeyRequest) -> Plan:
    """Plan a key convention: a function in ``ids``, and its property test."""
    name = contracts.noun(request.name, "key")
    addition = Addition(project, "idempotency-key", name.kebab)
    if not request.fields:
        raise UsageError("A key is made of fields", "For example: --from customer_id --from number:int")
    specs = [spec if ":" in spec else f"{spec}:{_type_in_requests(addition, spec)}" for spec in request.fields]
    fields = parse_fields(specs, "--from", addition.types.resolve)
    per_caller = any(field.name == CALLER for field in fields)
    if per_caller and len(fields) == 1:
        raise UsageError(
            "--from caller alone would be one piece of work for ever", "Add the fields that tell work apart."
        )
    for field in fields:
        if field.name == CALLER and field.shape.name != "str":
            raise UsageError("--from caller is who sent the request: a name", "Write --from caller, without a type.")
        if field.name == "keyed":
            raise UsageError("--from keyed means something else in ids.py", "Name it for what it is.")
        if field.shape.kind != "scalar" or field.shape.name not in _TYPES:
            hint = f"It is made of: {' '.join(_TYPES)}"
            raise UsageError(f"--from {field.spelled}: a key is not made of {field.shape.spelled}", hint)
    addition.options = contracts.options(fields=fields)
    business = tuple(field for field in fields if field.name != CALLER)
    if done := asked_before(addition):
        return done
    check_kind(addition, name.kebab)

    def write(bind: Bind) -> str:
        parameters = [f"{field.name}: {_annotation(field, bind)}" for field in business]
        given = [layout.text(name.kebab), *(field.name for field in business)]
        if per_caller:
            parameters.insert(0, f"{CALLER}: str | None")
            given.append(f"{CALLER}={CALLER}")
        keyed = layout.call(bind("runtime.durable.ids", "keyed"), given)
        context = {
            "definition": f"def {name.snake}({', '.join(parameters)}) -> str:",
            "docstring": layout.docstring(
                f"``{_spelled(name.kebab, business, per_caller)}``: {_names(per_caller)} the work.", indent=4
            ),
            "answer": contracts.statement(keyed, before="return "),
        }
        return render_add("idempotency_key/function.py", context)

    addition.append(addition.module("ids"), name.snake, write)
    _test(addition, name.snake, business, name.kebab, per_caller)
    return addition.plan()


def _type_in_requests(addition: Addition, name: str) -> str:
    """The type that a field of this name has in the requests of the contracts; `str` where none has it.

    Raises:
        UsageError: it has several.
    """
    found: dict[str, str] = {}
    for contract in addition.service.contracts_spelling(name) if name != CALLER else ():
        if contract.request is None:
            continue
        for field in addition.types.fields(contract.request):
            shape = field.shape
            while shape.kind == "alias" and shape.of is not None:
                shape = shape.of
            if field.name == name and shape.kind == "scalar" and shape.name in _TYPES:
                found.setdefault(shape.name, contract.durable)
    if len(found) > 1:
        where = ", ".join(f"{kind} in {durable}" for kind, durable in found.items())
        raise UsageError(f"--from {name} is {where}", f"Say which: --from {name}:{next(iter(found))}")
    for kind, durable in found.items():
        if kind != "str":
            addition.notes.append(f"{name} is {kind}, as {durable} takes it")
    return next(iter(found), "str")


def _spelled(kind: str, fields: tuple[Field, ...], per_caller: bool) -> str:
    """The id as its docstring shows it."""
    caller = "<caller>." if per_caller else ""
    whole = f"{kind}/{caller}" + "/".join(f"<{field.name}>" for field in fields)
    return whole if len(whole) <= 80 else f"{kind}/{caller}<{fields[0].name}>/…"


def _names(per_caller: bool) -> str:
    return "the request and its caller name" if per_caller else "the request itself names"


def _annotation(field: Field, bind: Bind) -> str:
    if field.shape.name == "datetime":
        return bind("!datetime", "datetime")
    module, name = SCALARS[field.shape.name]
    return bind(module, name) if module else name


def _test(addition: Addition, function: str, fields: tuple[Field, ...], kind: str, per_caller: bool) -> None:
    strategies = [_TYPES[field.shape.name] for field in fields]
    has_text = "TEXTS" in strategies
    imports = Imports()
    imports.add([("ids", None)])
    imports.names("runtime.durable.ids", "MAX_ROOT", "is_visible" if per_caller else "is_shared", "public_of")
    if any("UTC" in strategy for strategy in strategies):
        imports.names("!datetime", "UTC")
    types = [_annotation(field, lambda module, name: name or module) for field in fields]
    imports.names("!datetime", *(kind for kind in types if kind in ("date", "datetime")))
    for module, name in (("!uuid", "UUID"), ("!decimal", "Decimal")):
        if name in types:
            imports.names(module, name)
    context = {
        "function": function,
        "kind": kind,
        "has_text": has_text,
        "per_caller": per_caller,
        "type": contracts.statement(layout.group("tuple[", types, "]"), indent=0, before="type Fields = "),
        "fields": contracts.statement(layout.call("st.tuples", strategies), indent=0, before="FIELDS = "),
    }
    addition.create("idempotency_key/test.py", PurePosixPath("tests", f"test_key_{function}.py"), context, imports)
