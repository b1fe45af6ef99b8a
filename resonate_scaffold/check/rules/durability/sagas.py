"""RS319 and RS320: steps of a saga that would be undone wrongly, at once, or not at all."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.check.flow import whose
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.scopes import Bound, FunctionNode, Scope, above, enclosing
from resonate_scaffold.code.values import Function

_UNDO = ("undo", 1)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)


def sagas(model: Model) -> Iterator[Finding]:
    """RS319 and RS320. They are silent where what is called is not known to be a saga's `do`."""
    for scope, workflow in model.workflow_code.items():
        for call in scope.calls:
            if (saga := _saga_of(model, call, scope)) is not None:
                yield from _step(model, call, saga, scope, whose(scope, workflow))


def _step(model: Model, call: ast.Call, saga: ast.AST, scope: Scope, name: str) -> Iterator[Finding]:
    undo = argument(call, *_UNDO)
    if isinstance(undo, ast.Lambda) and (late := _late(undo, saga)):
        message = f"the undo of a step in {name} reads {late} when it is called: by then that is the last round's"
        hint = "Give it the value now: undo=partial(release, ctx, Release(…)), of functools."
        yield finding("RS319", undo, scope, message, hint)
    if isinstance(undo, ast.Call) and any(it.node is undo for it in model.durable_calls.get(scope, ())):
        message = f"{name} makes the call that should undo a step, at once and whether or not the saga fails"
        yield finding("RS320", undo, scope, message, f"Give a function: undo=lambda: {ast.unparse(undo)}")
    if isinstance(above(call), ast.Expr):
        message = f"{name} does not await a step of its saga: it is not made known to the saga, and never undone"
        yield finding("RS320", call, scope, message, f"Await it: await {ast.unparse(call.func)}(…)")


def _saga_of(model: Model, call: ast.Call, scope: Scope) -> ast.AST | None:
    """The statement `async with saga(ctx) as s`, in a function or one around it, of a call `s.do(…)`."""
    match call.func:
        case ast.Attribute(value=ast.Name(id=name), attr="do"):
            pass
        case _:
            return None
    holder: Scope | None = scope
    while holder is not None and name not in holder.bindings:
        holder = holder.outer
    for it in holder.bindings[name] if holder is not None else ():
        if it.how is Bound.entered and isinstance(it.node, ast.Call) and holder is not None:
            function = model.evaluate.value(it.node.func, holder)
            if isinstance(function, Function) and _is_saga(function.scope):
                return next(up for up in enclosing(it.node) if isinstance(up, ast.AsyncWith | ast.With))
    return None


def _is_saga(function: Scope) -> bool:
    return function.name == "saga" and function.module.path.parts[-3:] == ("runtime", "durable", "saga.py")


def _late(undo: ast.Lambda, saga: ast.AST) -> str | None:
    """A variable of a loop in a saga that a lambda reads, other than as a default of its own."""
    parameters = undo.args
    own = {it.arg for it in (*parameters.posonlyargs, *parameters.args, *parameters.kwonlyargs)}
    read = {it.id for it in ast.walk(undo.body) if isinstance(it, ast.Name) and isinstance(it.ctx, ast.Load)} - own
    for up in enclosing(undo):
        if up is saga or isinstance(up, FunctionNode):
            return None
        if isinstance(up, _LOOPS):
            changing = {it.id for it in ast.walk(up) if isinstance(it, ast.Name) and isinstance(it.ctx, ast.Store)}
        elif isinstance(up, _COMPREHENSIONS):
            changing = {it.id for part in up.generators for it in ast.walk(part.target) if isinstance(it, ast.Name)}
        else:
            continue
        if found := sorted(read & changing):
            return found[0]
    return None
