"""RS112: dependencies that are asked for by a base class."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.scopes import ProgramClass, Scope
from resonate_scaffold.code.values import (
    Class,
    Collection,
    Constant,
    Context,
    External,
    Function,
    Instance,
    Method,
    OneOf,
    Thing,
    Value,
)


def dependencies(model: Model) -> Iterator[Finding]:
    """RS112. It is silent where anything may be provided."""
    provided: list[ProgramClass | str] = []
    asked: list[tuple[ast.Call, Scope, ProgramClass | str]] = []
    for scope in model.scopes:
        for call in scope.calls:
            if not isinstance(call.func, ast.Attribute) or not call.args:
                continue
            if call.func.attr == "with_dependency":
                classes = _classes(model.evaluate.value(call.args[0], scope))
                if classes is None:
                    return
                provided += classes
            elif call.func.attr == "get_dependency":
                method = model.evaluate.value(call.func, scope)
                value = model.evaluate.value(call.args[0], scope)
                if isinstance(method, Method) and isinstance(method.of, Context):
                    asked += [(call, scope, it) for it in _class_named(value)]
    if model.handed_out or model.is_blind:
        return
    for call, scope, wanted in asked:
        below = [it for it in provided if isinstance(it, ProgramClass) and _extends(model, it, wanted)]
        if wanted not in provided and below:
            name = wanted.name if isinstance(wanted, ProgramClass) else wanted.rpartition(".")[2]
            message = (
                f"{name} is asked for, and {below[0].name} is provided: dependencies are found by their exact class"
            )
            yield finding("RS112", call, scope, message, f"Ask for {below[0].name}, or provide {name}.")


def _classes(value: Value | None) -> list[ProgramClass | str] | None:
    """The exact classes that a value may be of; None where that is not known."""
    match value:
        case Instance(class_, call) if call is not None:
            return [class_]
        case Thing(of) if of.rpartition(".")[2][:1].isupper():
            return [of]
        case Constant() | Function() | Collection():
            return []
        case OneOf(options):
            several = [_classes(it) for it in options]
            return None if None in several else [it for each in several if each is not None for it in each]
    return None


def _class_named(value: Value | None) -> list[ProgramClass | str]:
    match value:
        case Class(class_):
            return [class_]
        case External(name):
            return [name]
    return []


def _extends(model: Model, class_: ProgramClass, wanted: ProgramClass | str, depth: int = 0) -> bool:
    """Whether a class extends another, here or outside."""
    for base in class_.node.bases:
        for known in _class_named(model.evaluate.value(base, class_.outer)):
            if known == wanted:
                return True
            if isinstance(known, ProgramClass) and depth < 8 and _extends(model, known, wanted, depth + 1):
                return True
    return False
