"""Fields as they stand in a function's parameters and in a class: name, annotation, default."""

from __future__ import annotations

import ast
from typing import Any

from resonate_scaffold import layout
from resonate_scaffold.edit.source import Source
from resonate_scaffold.errors import UsageError
from resonate_scaffold.fields import Field
from resonate_scaffold.generators.addition import Imports
from resonate_scaffold.shapes import annotation


def written(field: Field, imports: Imports, *, in_body: bool) -> str:
    """A field as the contract has it: name, annotation, default; what it names is imported.

    ``in_body``: it is one of a class, not a parameter.
    """

    end = ""
    if field.annotation is None or field.source is None:
        end = " = None" if field.optional else ""
        return f"{field.name}: {annotation(field.shape, imports)}{end}"
    source = field.source

    def name_of(node: Any) -> str | None:
        qualified = source.qualified(node)
        if qualified is None:
            return None
        module, _, name = qualified.rpartition(".")
        return imports(module, name)

    kind = layout.expression(field.annotation, name_of)
    if field.default is not None:
        value = layout.expression(field.default, name_of)
        if in_body or not _is_field(field.default, source):
            end = f" = {value}"
        elif field.optional:
            hint = "Write its constraints into its type, and a plain default: Annotated[int, Field(ge=1)] = 1"
            raise UsageError(f"{field.name} has a default in Field(…), which a query cannot have", hint)
        else:
            imports.names("!typing", "Annotated")
            kind = f"Annotated[{kind}, {value}]"
    return f"{field.name}: {kind}{end}"


def _is_field(default: ast.expr, source: Source) -> bool:
    return isinstance(default, ast.Call) and source.qualified(default.func) == "!pydantic.Field"
