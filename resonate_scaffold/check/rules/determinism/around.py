"""What stands around a workflow, and runs with it: decorators, properties, validators, defaults, class attributes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from resonate_scaffold.code.model import Model
from resonate_scaffold.code.outside import kind_of
from resonate_scaffold.code.scopes import Bound, ProgramClass, Scope, above, loads
from resonate_scaffold.code.values import Class, External, Function, Instance

_PROPERTIES = frozenset({"builtins.property", "functools.cached_property"})
_VALIDATORS = re.compile(
    r"pydantic\.(functional_validators\.)?(field_validator|model_validator)|pydantic\.(class_validators\.)?(validator|root_validator)"
)
_AFTER_INIT = ("model_post_init", "__post_init__", "__attrs_post_init__")
_VALIDATING = frozenset({"model_validate", "model_validate_json", "parse_obj", "parse_raw"})
_COMPUTING = ("builtins.", "datetime.", "math.", "time.", "uuid.", "random.", "os.")
_FARTHEST = 4  # assignments that a value is followed through
_AT_IMPORT = frozenset({"clock", "random", "uuid"})
_OWN = frozenset({*_AT_IMPORT, "environment"})


class Behind(NamedTuple):
    """Code that runs with a workflow and that no call in it shows: ``node`` is where it shows, if anywhere."""

    node: ast.expr
    scopes: list[Scope]
    what: str


class AtImport(NamedTuple):
    """A value that each process makes when it is imported; ``name`` is what gives it."""

    node: ast.expr
    name: str
    what: str


def behind(model: Model, scope: Scope) -> Iterator[Behind]:
    """What runs with a function without being called in it, but for what is workflow code in its own right."""
    for it in (*_properties(model, scope), *_validators(model, scope)):
        scopes = [each for each in it.scopes if each not in model.workflow_code]
        if scopes:
            yield it._replace(scopes=scopes)


def at_import(model: Model, scope: Scope) -> Iterator[AtImport]:
    """What a function has from the time when its process was imported."""
    yield from _defaults(model, scope)
    for node in scope.found(ast.Attribute):
        if not isinstance(node.ctx, ast.Load):
            continue
        owner = model.evaluate.value(node.value, scope)
        if isinstance(owner, Class | Instance):
            class_ = owner.class_
            own = class_ is scope.class_
            value = class_.fields.get(node.attr, (None, None))[1]
            if value is None or node.attr in class_.attributes or not (own or isinstance(owner, Class)):
                continue
            if own and isinstance(owner, Instance) and (class_.node.decorator_list or class_.node.bases):
                continue  # its fields may be made for each instance
            for name in _outside(model, value, class_.outer, _OWN if own else _AT_IMPORT):
                yield AtImport(node, name, f"reads {class_.name}.{node.attr}")


def _defaults(model: Model, scope: Scope) -> Iterator[AtImport]:
    if isinstance(scope.node, ast.Module):
        return
    arguments = scope.arguments
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = [*zip(positional[::-1], arguments.defaults[::-1], strict=False)][::-1]
    pairs += [
        (name, it) for name, it in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if it is not None
    ]
    kinds = _OWN if model.context_of(scope) is not None else _AT_IMPORT
    for parameter, default in pairs:
        for name in _outside(model, default, scope.outer or scope, kinds):
            yield AtImport(default, name, f"has a default for {parameter.arg}")


def _outside(model: Model, value: ast.expr, scope: Scope, kinds: frozenset[str]) -> Iterator[str]:
    """The names outside that an expression asks, once, when it is evaluated."""
    if any(isinstance(it, ast.Lambda) for it in ast.walk(value)):
        return
    for inner in ast.walk(value):
        node = inner.func if isinstance(inner, ast.Call) else inner.value if isinstance(inner, ast.Subscript) else None
        name = model.evaluate.external(node, scope) if node is not None else None
        if name is not None and kind_of(name) in kinds:
            yield name
            return


def wrappers(model: Model, scope: Scope) -> Iterator[Behind]:
    """The functions that the program's own decorators put around one."""
    for decorator in scope.decorators:
        inner = decorator.func if isinstance(decorator, ast.Call) else decorator
        value = model.evaluate.value(inner, scope.outer or scope)
        if isinstance(value, Function) and not model.is_machinery(value.scope.module):
            made = [it for it in value.scope.inner if _is_returned(it, value.scope)]
            if isinstance(decorator, ast.Call):
                made = [it for each in made for it in each.inner if _is_returned(it, each)]
            scopes = [it for it in made if it not in model.workflow_code]
            if scopes:
                yield Behind(inner, scopes, f"is wrapped by {value.scope.name}")


def decides(model: Model, node: ast.AST, wrapper: Scope, depth: int = 0) -> bool:
    """Whether a value of a wrapper decides what it does, goes into what it wraps, or into what it gives.

    Into what else it may go, such as a metric, is not known.
    """
    up, inner = above(node), node
    while isinstance(up, ast.expr | ast.keyword | ast.FormattedValue):
        if isinstance(up, ast.IfExp) and up.test is inner:
            return True
        if isinstance(up, ast.Call) and up.func is not inner:
            if isinstance(up.func, ast.Name) and _is_wrapped(up.func.id, wrapper):
                return True
            if not (model.evaluate.external(up.func, wrapper) or "").startswith(_COMPUTING):
                return False
        inner, up = up, above(up)
    match up:
        case ast.If() | ast.While() | ast.Assert():
            return up.test is inner
        case ast.Return() | ast.Raise():
            return True
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) if depth < _FARTHEST:
            return any(decides(model, it, holder, depth + 1) for it, holder in loads(name, wrapper))
    return False


def _is_wrapped(name: str, wrapper: Scope) -> bool:
    """Whether a name is a parameter of the decorator: the function that it wraps."""
    outer = wrapper.outer
    while outer is not None and name not in outer.bindings:
        outer = outer.outer
    return outer is not None and [it.how for it in outer.bindings[name]] == [Bound.parameter]


def _is_returned(inner: Scope, outer: Scope) -> bool:
    return any(isinstance(it.value, ast.Name) and it.value.id == inner.name for it in outer.found(ast.Return))


def _properties(model: Model, scope: Scope) -> Iterator[Behind]:
    for node in scope.found(ast.Attribute):
        if isinstance(node.ctx, ast.Load):
            owner = model.evaluate.value(node.value, scope)
            if isinstance(owner, Instance):
                method = _method(model, owner.class_, node.attr)
                if method is not None and _has_decorator(model, method, _PROPERTIES):
                    yield Behind(node, model.reached(method, 2), f"reads {owner.class_.name}.{node.attr}")


def _has_decorator(model: Model, method: Scope, names: frozenset[str]) -> bool:
    return any(model.evaluate.external(it, method.outer or method) in names for it in method.decorators)


def _method(model: Model, class_: ProgramClass, name: str) -> Scope | None:
    return next((it.methods[name] for it in _classes(model, class_) if name in it.methods), None)


def _classes(model: Model, class_: ProgramClass) -> Iterator[ProgramClass]:
    """A class, and those of the program that it extends."""
    waiting, seen = [class_], {class_}
    while waiting:
        current = waiting.pop(0)
        yield current
        for node in current.node.bases:
            base = model.evaluate.value(node, current.outer)
            if isinstance(base, Class) and base.class_ not in seen:
                seen.add(base.class_)
                waiting.append(base.class_)


def _validators(model: Model, scope: Scope) -> Iterator[Behind]:
    """The validators of what a function makes, and of what a workflow is given, which is read anew at each replay."""
    made: list[tuple[ast.expr, ProgramClass, str]] = []
    for call in scope.calls:
        function = model.evaluate.value(call.func, scope)
        if isinstance(call.func, ast.Attribute) and call.func.attr in _VALIDATING:
            function = model.evaluate.value(call.func.value, scope)
        if isinstance(function, Class):
            made.append((call, function.class_, "makes"))
    if not isinstance(scope.node, ast.Module) and model.context_of(scope) is not None:
        for parameter in (*scope.positional[1:], *scope.arguments.kwonlyargs):
            value = model.evaluate.annotated(parameter.annotation, scope.outer or scope)
            if parameter.annotation is not None and isinstance(value, Instance):
                made.append((parameter.annotation, value.class_, "takes"))
    for node, class_, does in made:
        for holder in _classes(model, class_):
            for name, method in holder.methods.items():
                if name in _AFTER_INIT or _validates(model, method):
                    yield Behind(node, model.reached(method, 2), f"{does} {class_.name}, whose {name} runs then")


def _validates(model: Model, method: Scope) -> bool:
    for decorator in method.decorators:
        inner = decorator.func if isinstance(decorator, ast.Call) else decorator
        value = model.evaluate.value(inner, method.outer or method)
        if isinstance(value, External) and _VALIDATORS.fullmatch(value.name):
            return True
    return False
