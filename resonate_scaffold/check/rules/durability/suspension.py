"""RS317 and RS318: code that also runs whenever its workflow is suspended.

A wait for something remote suspends a workflow: it leaves the function by an exception that is no `Exception`, and the
function begins anew when there is an answer. `finally`, and whatever catches everything, sees that exception too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.check.flow import whose
from resonate_scaffold.check.rules.durability.timeout_errors import awaited_calls
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.scopes import FunctionNode, Scope, above, enclosing, is_within, statement_of

# What waits for something outside of its process; a step in process does not, unless it is a workflow itself.
_REMOTE = frozenset({"contract", "fan_out", "promise", "rpc", "sleep", "wait"})
_EVERYTHING = frozenset({"builtins.BaseException", "resonate.error.Suspended"})
_MANAGERS = ("contextmanager", "asynccontextmanager")
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_DEEPEST = 3


def suspension(model: Model) -> Iterator[Finding]:
    """RS317 and RS318. They are silent where nothing in the block is known to wait for something remote."""
    waits = _Waits(model)
    for scope, workflow in model.workflow_code.items():
        name = whose(scope, workflow)
        for block in scope.found(ast.Try):
            if waits.are_in(block.body, scope):
                yield from _handlers(model, waits, block, scope, name)
                yield from _finally(waits, block, scope, name)
        for node in (it for it in scope.nodes if isinstance(it, ast.With | ast.AsyncWith)):
            given = next((it.context_expr for it in node.items if _suppresses_all(model, it.context_expr, scope)), None)
            if given is not None and waits.are_in(node.body, scope) and waits.is_followed(node, scope):
                yield _swallowed(given, scope, f"{name} suppresses what suspends it")


def _handlers(model: Model, waits: _Waits, block: ast.Try, scope: Scope, name: str) -> Iterator[Finding]:
    """The first handler that catches everything; those after it never see a suspension."""
    for handler in block.handlers:
        if not _catches_all(model, handler.type, scope):
            continue
        what = "a bare except" if handler.type is None else f"except {ast.unparse(handler.type)}"
        work = waits.work_in(handler.body, scope)
        raises = any(isinstance(it, ast.Raise) for it in _inside(handler.body))
        if _tells_apart(handler):
            pass
        elif work is not None:
            yield _early(work, scope, f"{name} makes a durable call under {what}")
        elif not raises and waits.is_followed(block, scope, leaves=isinstance(handler.body[-1], ast.Return)):
            yield _swallowed(handler, scope, f"{name} goes on after {what}")
        return


def _finally(waits: _Waits, block: ast.Try, scope: Scope, name: str) -> Iterator[Finding]:
    work = waits.work_in(block.finalbody, scope)
    if work is not None and not _is_conditional(work, block):
        yield _early(work, scope, f"{name} makes a durable call in finally")
    for node in _inside(block.finalbody):
        if _leaves(node, block) and waits.is_followed(block, scope, leaves=isinstance(node, ast.Return)):
            yield _swallowed(node, scope, f"{name} ends finally with {type(node).__name__.lower()}")


def _early(node: ast.AST, scope: Scope, what: str) -> Finding:
    message = f"{what}, which runs each time that the workflow is suspended, long before the block has ended"
    hint = "Do it after the block, and under except Exception: a suspension is none."
    return finding("RS317", node, scope, message, hint)


def _swallowed(node: ast.AST, scope: Scope, what: str) -> Finding:
    message = f"{what}: it drops the exception that suspends a workflow, and what follows runs without an answer"
    return finding("RS318", node, scope, message, "Catch Exception instead: a suspension is none.")


class _Waits:
    """What in a program waits for something remote."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._awaits: dict[Scope, list[ast.AST]] = {}

    def are_in(self, body: Sequence[ast.stmt], scope: Scope) -> bool:
        """Whether these statements may suspend the workflow."""
        if any(_is_in(it, body) for it in self._of(scope)):
            return True
        return (
            scope.decorators_named(*_MANAGERS)
            and any(self._entered(call, caller) for call, caller in self._model.evaluate.calls_of(scope))
            and any(_is_in(it, body) for it in scope.found(ast.Yield))
        )

    def work_in(self, body: Sequence[ast.stmt], scope: Scope) -> ast.Call | None:
        """The first durable call in these statements, made there or by what is called there."""
        return next((it for it in self._work(scope) if _is_in(it, body)), None)

    def is_followed(self, block: ast.stmt, scope: Scope, *, leaves: bool = False, depth: int = 0) -> bool:
        """Whether durable calls are made after a statement: there, unless it leaves its function, or by its callers."""
        loop = next((it for it in enclosing(block) if isinstance(it, _LOOPS)), None)
        end = (block.end_lineno or 0, block.end_col_offset or 0)
        for it in () if leaves else self._work(scope):
            if _position(it) > end or (loop is not None and is_within(it, loop)):
                return True
        for call, caller in self._model.evaluate.calls_of(scope) if depth < _DEEPEST else ():
            statement = statement_of(call)
            if caller in self._model.workflow_code and isinstance(statement, ast.stmt):
                returned = isinstance(statement, ast.Return)
                if self.is_followed(statement, caller, leaves=returned, depth=depth + 1):
                    return True
        return False

    def _work(self, scope: Scope) -> list[ast.Call]:
        found = [it.node for it in self._model.durable_calls.get(scope, ())]
        calls = self._model.plain_calls.get(scope, ())
        found += [call for call, callee in calls if self._model.makes_durable_calls(callee)]
        return sorted(found, key=_position)

    def _entered(self, call: ast.Call, caller: Scope) -> bool:
        """Whether a `with` on what this call gives has waits in it."""
        up = above(call)
        block = above(up) if isinstance(up, ast.withitem) else None
        return isinstance(block, ast.With | ast.AsyncWith) and self.are_in(block.body, caller)

    def _of(self, scope: Scope) -> list[ast.AST]:
        """The awaits of a function that may suspend its workflow."""
        if scope not in self._awaits:
            self._awaits[scope] = []  # for one that calls itself
            self._awaits[scope] = [it for it in scope.found(ast.Await) if self._is_remote(it, scope)]
        return self._awaits[scope]

    def _is_remote(self, node: ast.Await, scope: Scope) -> bool:
        for call in awaited_calls(self._model, node.value, scope):
            if call.kind in _REMOTE or (call.function is not None and self._of(call.function)):
                return True
        calls = self._model.plain_calls.get(scope, ())
        return any(is_within(call, node) and self._of(callee) for call, callee in calls)


def _is_in(node: ast.AST, body: Sequence[ast.stmt]) -> bool:
    return any(it in body for it in (node, *enclosing(node)))


def _inside(body: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """The nodes of some statements, but for those of functions and classes in them."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        if not isinstance(node, (*FunctionNode.__args__, ast.ClassDef)):
            yield node
            waiting += ast.iter_child_nodes(node)


def _catches_all(model: Model, kinds: ast.expr | None, scope: Scope) -> bool:
    """Whether a handler of these exceptions also sees the one that suspends a workflow."""
    if kinds is None:
        return True
    several = kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]
    return any(model.evaluate.external(it, scope) in _EVERYTHING for it in several)


def _suppresses_all(model: Model, node: ast.expr, scope: Scope) -> bool:
    if not isinstance(node, ast.Call) or model.evaluate.external(node.func, scope) != "contextlib.suppress":
        return False
    return any(_catches_all(model, it, scope) for it in node.args)


def _tells_apart(handler: ast.ExceptHandler) -> bool:
    """Whether a handler looks at what it has caught: `if isinstance(error, Suspended): raise`."""
    for node in _inside(handler.body):
        match node:
            case ast.If(test=looked) | ast.Match(subject=looked):
                if any(isinstance(it, ast.Name) and it.id == handler.name for it in ast.walk(looked)):
                    return True
            case ast.Call(func=ast.Attribute(value=ast.Name(id="sys"), attr="exc_info" | "exception")):
                return True
    return False


def _is_conditional(work: ast.AST, block: ast.Try) -> bool:
    """Whether a call in `finally` depends on how far the block has come: `if done:`, where the block sets it."""
    tried = (*block.body, *block.handlers, *block.orelse)
    names = {node.id for it in tried for node in ast.walk(it) if isinstance(node, ast.Name) and _is_stored(node)}
    for up in enclosing(work):
        if up is block:
            return False
        if isinstance(up, ast.Match) or (
            isinstance(up, ast.If | ast.IfExp)
            and any(
                isinstance(it, ast.Call) or (isinstance(it, ast.Name) and it.id in names) for it in ast.walk(up.test)
            )
        ):
            return True
    return False


def _is_stored(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _leaves(node: ast.AST, block: ast.Try) -> bool:
    """Whether a statement in `finally` leaves it, which drops the exception that it was entered by."""
    if isinstance(node, ast.Return):
        return True
    loops = (it for it in enclosing(node) if isinstance(it, _LOOPS))
    return isinstance(node, ast.Break | ast.Continue) and not any(is_within(it, block) for it in loops)


def _position(node: ast.expr) -> tuple[int, int]:
    return node.lineno, node.col_offset
