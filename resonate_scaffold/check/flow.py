"""Where values go: into a log only, or into something that a workflow does; and which call made an object."""

from __future__ import annotations

import ast
import re

from resonate_scaffold.code.model import Model
from resonate_scaffold.code.outside import is_log
from resonate_scaffold.code.scopes import Bound, Scope, above, loads
from resonate_scaffold.code.values import Constant

_FARTHEST = 4  # assignments that a value is followed through
_COMPUTING = ("builtins.", "datetime.", "math.", "time.")
_LEVELS = frozenset({"debug", "info", "warning", "error", "critical", "exception"})
_LOGGER = re.compile(r"_*(\w+_)?log(ger|s)?", re.IGNORECASE)


def is_log_call(model: Model, call: ast.Call, scope: Scope) -> bool:
    """Whether a call only tells people: by what it calls, or, where that is not known, by its words."""
    name = model.evaluate.external(call.func, scope)
    if name is not None:
        return is_log(name)
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in _LEVELS:
        return False
    logger = call.func.value
    word = logger.attr if isinstance(logger, ast.Attribute) else logger.id if isinstance(logger, ast.Name) else ""
    return _LOGGER.fullmatch(word) is not None


def only_logged(model: Model, node: ast.AST, scope: Scope, depth: int = 0) -> bool:
    """Whether a value goes nowhere but into logs: whatever it is, nothing depends on it."""
    up, inner = above(node), node
    while isinstance(up, ast.expr | ast.keyword | ast.FormattedValue):
        if isinstance(up, ast.Call) and up.func is not inner:
            if is_log_call(model, up, scope):
                return True
            name = model.evaluate.external(up.func, scope)
            if name is None or not name.startswith(_COMPUTING):
                return False
        if isinstance(up, ast.Await | ast.Yield | ast.Lambda):
            return False
        inner, up = up, above(up)
    if isinstance(up, ast.If) and up.test is inner:
        return not up.orelse and all(_logs(model, it, scope) for it in up.body)
    name = assigned_name(up)
    if name is None or depth >= _FARTHEST:
        return False
    others = [it for it in scope.bindings.get(name, ()) if it.how is not Bound.value and it.node is not up]
    read = list(loads(name, scope))
    return bool(read) and not others and all(only_logged(model, it, holder, depth + 1) for it, holder in read)


def _logs(model: Model, statement: ast.stmt, scope: Scope) -> bool:
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and is_log_call(model, call, scope)


def assigned_name(statement: ast.AST | None) -> str | None:
    """The variable that a statement gives its value to, if that is all it does."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.AugAssign(target=ast.Name(id=name)):
            return name
    return None


def maker(model: Model, node: ast.expr, scope: Scope) -> tuple[ast.Call, Scope] | None:
    """The call that made an object, followed through a variable, a `with`, an import, or an attribute of ``self``."""
    for _ in range(_FARTHEST):
        match node:
            case ast.Call():
                return node, scope
            case ast.Attribute(value=ast.Name(id="self"), attr=attribute) if scope.class_ is not None:
                stored = [it for it in scope.class_.attributes.get(attribute, ()) if it[1] is not None]
                if len(stored) != 1 or stored[0][1] is None:
                    return None
                scope, node = stored[0][0], stored[0][1]
            case ast.Name(id=name):
                found = _bound_to(model, name, scope)
                if found is None:
                    return None
                node, scope = found
            case _:
                return None
    return None


def _bound_to(model: Model, name: str, scope: Scope) -> tuple[ast.expr, Scope] | None:
    holder: Scope | None = scope
    while holder is not None and (name not in holder.bindings or name in holder.globals):
        holder = holder.outer
    if holder is None or len(holder.bindings[name]) != 1:
        return None
    [binding] = holder.bindings[name]
    if binding.how in (Bound.value, Bound.entered) and isinstance(binding.node, ast.expr):
        return binding.node, binding.inside or holder
    if binding.how is Bound.imported and binding.member is not None:
        path = model.program.importing(holder.module, binding.module, binding.level)
        module = model.program.modules.get(path) if path is not None else None
        if module is not None and module is not holder.module and binding.member in module.scope.bindings:
            return _bound_to(model, binding.member, module.scope)
    return None


def whose(scope: Scope, workflow: Scope) -> str:
    """How a message names code of a workflow."""
    name = "a lambda" if isinstance(scope.node, ast.Lambda) else scope.name
    return name if scope is workflow else f"{name}, called from {workflow.name} without a step,"


def is_given(model: Model, node: ast.expr | None, scope: Scope) -> bool:
    """Whether an option is said: None means the default, said or not."""
    return node is not None and model.evaluate.value(node, scope) != Constant(None)
