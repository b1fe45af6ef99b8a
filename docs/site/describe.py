"""Command lines and settings as plain values. Run as a program it describes the service in the working directory.

    python -P docs/site/describe.py PACKAGE

It needs nothing but the standard library and what the service itself needs, since it runs in the service's environment.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any, TypedDict


class Param(TypedDict):
    """An option or an argument; ``names`` are all spellings of an option, the last ones those that turn it off."""

    name: str
    names: list[str]
    is_argument: bool
    is_required: bool
    is_repeated: bool
    is_flag: bool
    choices: list[str]
    metavar: str
    default: str
    help: str


class Command(TypedDict):
    """A command or a group of commands, by the words that lead to it."""

    path: list[str]
    help: str
    is_group: bool
    params: list[Param]


class Setting(TypedDict):
    """A setting as its class has it: the default as one writes it in the environment, and its JSON schema."""

    default: str
    schema: dict[str, Any]


def commands(program: Any, path: tuple[str, ...] = ()) -> Iterator[Command]:
    """A program of Click or Typer and all commands below it, without those that are hidden."""
    children = getattr(program, "commands", {})
    params = [param(it) for it in program.params if not getattr(it, "hidden", False)]
    yield Command(path=list(path), help=program.help or "", is_group=bool(children), params=params)
    for name, child in children.items():
        if not child.hidden:
            yield from commands(child, (*path, name))


def param(it: Any) -> Param:
    """An option or an argument of Click or Typer."""
    choices = [str(getattr(choice, "value", choice)) for choice in getattr(it.type, "choices", ())]
    default = it.default if isinstance(it.default, str | int | float) and not isinstance(it.default, bool) else ""
    return Param(
        name=it.name,
        names=[*it.opts, *it.secondary_opts],
        is_argument=it.param_type_name == "argument",
        is_required=it.required,
        is_repeated=bool(getattr(it, "multiple", False)) or it.nargs == -1,
        is_flag=bool(getattr(it, "is_flag", False)),
        choices=choices,
        metavar=it.metavar or ("|".join(choices) if choices else str(it.type.name).upper()),
        default=str(default),
        help=" ".join((getattr(it, "help", None) or "").split()),
    )


def settings(model: Any) -> dict[str, Setting]:
    """The fields of a settings class of pydantic."""
    schemas = model.model_json_schema()["properties"]
    return {
        name: Setting(default=_spelled(field.default), schema=schemas[name])
        for name, field in model.model_fields.items()
    }


def _spelled(value: Any) -> str:
    """A default as it stands in the environment: a duration of an hour and more as ISO 8601, else as seconds."""
    from pydantic import TypeAdapter

    match value:
        case bool():
            return str(value).lower()
        case timedelta() if value >= timedelta(hours=1):
            return str(TypeAdapter(timedelta).dump_python(value, mode="json"))
        case timedelta():
            return f"{value.total_seconds():g}"
    return "" if value is None or value == {} else str(value)


if __name__ == "__main__":
    sys.path.insert(0, ".")
    package = sys.argv[1]
    described = {
        "commands": list(commands(import_module(f"{package}.__main__").main)),
        "settings": settings(import_module(f"{package}.settings").Settings),
    }
    print(json.dumps(described))
