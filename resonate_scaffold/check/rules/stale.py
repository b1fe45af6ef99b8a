"""RS5xx: what SDK releases before 0.8 had. Each finding says what to write now."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import CLIENT
from resonate_scaffold.code.registrations import CLIENT_ARGUMENTS
from resonate_scaffold.code.scopes import Bound, Scope, above, loads
from resonate_scaffold.code.values import Client, Constant, Context, Function, Future, Method, Thing

# What `from resonate import …` gave, and where it is now.
_NAMES = {
    "Resonate": "from resonate.resonate import Resonate",
    "Context": "from resonate.context import Context",
    "Promise": "promises are records now: await resonate.promises.get(id)",
    "Yieldable": "durable functions are async now: -> T, and await",
    "Handle": "from resonate.handle import ResonateHandle",
    "DependencyMap": "resonate.with_dependency(value)",
    "LocalStore": "Resonate() is in process by itself",
    "RemoteStore": "Resonate(url=…)",
    "Poller": "Resonate(url=…) listens by itself",
}
_MODULES = {
    "stores": "Resonate(url=…), or Resonate() in process",
    "storage": "Resonate(url=…), or Resonate() in process",
    "scheduler": "from resonate.resonate import Resonate",
    "processor": "from resonate.resonate import Resonate",
    "targets": 'a target is a group\'s name: options(target="workers")',
    "task_sources": "Resonate(url=…) listens by itself",
    "message_sources": "Resonate(url=…) listens by itself",
    "models": "resonate.types, and resonate.connections",
    "typing": "durable functions are async now: -> T, and await",
    "promise": "await resonate.promises.get(id) gives the record",
    "record": "await resonate.promises.get(id) gives the record",
    "dataclasses": "resonate.types",
    "actions": "ctx.run and ctx.rpc",
    "commands": "ctx.rpc, ctx.promise, and resonate.promises.create",
    "cmd_queue": "ctx.run and ctx.rpc",
    "coroutine": "durable functions are async now: -> T, and await",
    "options": "options(target=…, timeout=…, version=…)",
    "retry_policies": "from resonate.retry import Exponential",
    "retry_policy": "from resonate.retry import Exponential",
    "encoders": "results are JSON; Resonate(encryptor=…) may encrypt them",
    "encoder": "results are JSON; Resonate(encryptor=…) may encrypt them",
    "errors": "from resonate.error import …",
    "loggers": "the standard library's logging",
    "logging": "the standard library's logging",
    "queue": "ctx.run and ctx.rpc",
    "conventions": "ctx.run and ctx.rpc",
    "simulator": "resonate.testing",
    "delay_q": "ctx.sleep(timedelta(…))",
}
_CONSTRUCTORS = {
    "remote": "Resonate(url=…, group=…), made where the event loop runs",
    "local": "Resonate(), made where the event loop runs",
}
_CLIENT_METHODS = {
    "begin_run": "run(id, fn, …): it returns a handle at once",
    "begin_rpc": "options(target=…, timeout=…).rpc(id, name, …): it returns a handle at once",
    "lfi": "run(id, fn, …)",
    "lfc": "await run(id, fn, …).result()",
    "rfi": "rpc(id, name, …)",
    "rfc": "await rpc(id, name, …).result()",
    "invoke_local": "run(id, fn, …)",
    "invoke_remote": "rpc(id, name, …)",
    "set_dependency": "with_dependency(value): found by its type, ctx.get_dependency(Type)",
    "wait_forever": "await asyncio.Event().wait()",
}
_CONTEXT_METHODS = {
    "lfi": "future = ctx.run(fn, …)",
    "lfc": "await ctx.run(fn, …)",
    "call": "await ctx.run(fn, …)",
    "rfi": "future = ctx.rpc(name, …)",
    "rfc": "await ctx.rpc(name, …)",
    "begin_run": "future = ctx.run(fn, …)",
    "begin_rpc": "future = ctx.rpc(name, …)",
    "typesafe": "ctx is typed as it is",
    "deps": "ctx.get_dependency(Type)",
    "time": "a step that reads the clock: await ctx.run(now)",
    "random": "a step that draws: await ctx.run(draw)",
    "id": "ctx.info.id",
    "ctx_id": "ctx.info.id",
    "attempt": "nothing tells the attempt any more",
}
# What only has another name now, and can be renamed with certainty.
_MOVED = {"Resonate": "resonate.resonate", "Context": "resonate.context"}
_RENAMED_OF_CLIENT = {"begin_run": "run", "lfi": "run"}
_RENAMED_OF_CONTEXT = {
    **dict.fromkeys(("lfi", "lfc", "call", "begin_run"), "run"),
    **dict.fromkeys(("rfi", "rfc", "begin_rpc"), "rpc"),
    **dict.fromkeys(("id", "ctx_id"), "info.id"),
}
_OPTIONS = frozenset({"timeout", "target", "version"})
_REGISTERING = frozenset({"fn", "name", "version", "retry_policy"})
_PROMISES = {
    "promises.create": ("id", "timeout_at", "param", "tags"),
    "promises.resolve": ("id", "value"),
    "promises.reject": ("id", "value"),
    "promises.cancel": ("id", "value"),
    "promises.get": ("id",),
    "schedules.create": ("id", "cron", "promise_id", "promise_timeout", "promise_param", "promise_tags"),
}
_FARTHEST = 4  # assignments that a coroutine is followed through
# What wants values, and awaits nothing.
_TAKING_VALUES = ("builtins.", "json.", "flask.", "fastapi.", "starlette.", "logging.", "structlog.", "decimal.")
# What keeps its arguments, for who awaits them later.
_STORING = ("builtins.list", "builtins.dict.", "builtins.set.", "builtins.map", "builtins.zip")


def stale(model: Model) -> Iterator[Finding]:
    """Code that was written for another release."""
    modules = [it for it in model.program.modules.values() if it.error is None]
    if not any(it.uses_resonate for it in modules):
        return
    helpers = _gone_through(model)
    for module in modules:
        for scope in module.scopes:
            yield from _imports(model, scope)
            yield from _calls(model, scope)
            yield from _attributes(model, scope)
            yield from _yields(model, scope, helpers)


def _imports(model: Model, scope: Scope) -> Iterator[Finding]:
    """RS501."""
    told: dict[ast.AST, list[str]] = {}
    now: dict[ast.AST, str] = {}
    for bindings in scope.bindings.values():
        for it in bindings:
            if it.how is not Bound.imported or it.level or model.program.importing(scope.module, it.module, 0):
                continue
            first, _, rest = it.module.partition(".")
            if first != "resonate" or _has_another_way(it.node):
                continue
            below = rest.partition(".")[0] or it.member or ""
            hint = _MODULES.get(below) if rest else _NAMES.get(below) or _MODULES.get(below)
            if isinstance(it.node, ast.Import):
                names = [alias.name for alias in it.node.names if alias.name.startswith("resonate.")]
                below = next((name.split(".")[1] for name in names if name.split(".")[1] in _MODULES), "")
                hint = _MODULES.get(below)
            if hint is not None:
                told.setdefault(it.node, []).append(it.member or below)
                now.setdefault(it.node, hint)
    for node, names in told.items():
        origin = getattr(node, "module", None) or "resonate"
        message = f"SDK 0.8 has no {', '.join(dict.fromkeys(names))} in {origin}"
        yield finding("RS501", node, scope, message, f"Now: {now[node]}", _moved(node))


def _moved(node: ast.AST) -> str | None:
    """An import of what has another module now."""
    if (
        not isinstance(node, ast.ImportFrom)
        or node.module != "resonate"
        or any(it.name not in _MOVED for it in node.names)
    ):
        return None
    names = sorted(node.names, key=lambda it: _MOVED[it.name])
    lines = [f"from {_MOVED[it.name]} import {it.name}{f' as {it.asname}' if it.asname else ''}" for it in names]
    return f"\n{' ' * node.col_offset}".join(lines)


def _dotted(node: ast.expr) -> str | None:
    """A name with its attributes, as it is written."""
    inner = node
    while isinstance(inner, ast.Attribute):
        inner = inner.value
    return ast.unparse(node) if isinstance(inner, ast.Name) else None


def _renamed(node: ast.Attribute, names: Mapping[str, str]) -> str | None:
    holder = _dotted(node.value)
    return f"{holder}.{names[node.attr]}" if holder is not None and node.attr in names else None


def _awaited(node: ast.Attribute, method: str, scope: Scope) -> str | None:
    """A method of a handle, awaited: where nothing but the value of the attribute or of its call is used."""
    holder, up = _dotted(node.value), above(node)
    if isinstance(up, ast.Call) and up.func is node:
        up = above(up)
    alone = isinstance(up, ast.Assign | ast.AnnAssign | ast.Return | ast.Expr | ast.keyword | ast.Call)
    return f"await {holder}.{method}" if scope.is_async and holder is not None and alone else None


def _has_another_way(node: ast.AST) -> bool:
    """Whether an import is one of two ways: where it fails, or where the other one has failed."""
    inner, up = node, above(node)
    while isinstance(up, ast.If | ast.Try | ast.ExceptHandler):
        if isinstance(up, ast.Try):
            if inner in up.body and any(_imports_resonate(it.body) for it in up.handlers):
                return True
            if inner in up.handlers and _imports_resonate(up.body):
                return True
        inner, up = up, above(up)
    return False


def _imports_resonate(statements: list[ast.stmt]) -> bool:
    return any(
        (isinstance(it, ast.ImportFrom) and not it.level and (it.module or "").partition(".")[0] == "resonate")
        or (isinstance(it, ast.Import) and any(alias.name.partition(".")[0] == "resonate" for alias in it.names))
        for statement in statements
        for it in ast.walk(statement)
    )


def _calls(model: Model, scope: Scope) -> Iterator[Finding]:
    for call in scope.calls:
        function = model.evaluate.value(call.func, scope)
        given = {it.arg for it in call.keywords if it.arg is not None}
        name = model.evaluate.external(call.func, scope)
        if name in CLIENT and given - CLIENT_ARGUMENTS:
            message = f"Resonate takes no {', '.join(sorted(given - CLIENT_ARGUMENTS))}"
            yield finding("RS502", call, scope, message, "Now: Resonate(url=…, group=…), or Resonate() in process")
        elif isinstance(function, Method) and isinstance(function.of, Client):
            yield from _client_call(call, function, given, scope)
        elif isinstance(function, Method) and isinstance(function.of, Context):
            yield from _context_call(model, call, function, given, scope)
        elif isinstance(call.func, ast.Attribute) and call.func.attr in ("run", "rpc", "begin_run", "begin_rpc"):
            holder = model.evaluate.value(call.func.value, scope)
            if isinstance(holder, Function) and _is_registered(model, holder.scope):
                message = f"a registered function has no {call.func.attr} of its own"
                yield finding("RS502", call, scope, message, f"Now: resonate.run(id, {holder.scope.name}, …)")


def _is_registered(model: Model, scope: Scope) -> bool:
    for decorator in scope.decorators:
        inner = decorator.func if isinstance(decorator, ast.Call) else decorator
        value = model.evaluate.value(inner, scope.outer or scope)
        if isinstance(value, Method) and isinstance(value.of, Client):
            return True
    return False


def _client_call(call: ast.Call, method: Method, given: set[str], scope: Scope) -> Iterator[Finding]:
    known = _PROMISES.get(method.name)
    if known is not None and given - set(known):
        message = f"{method.name} takes no {', '.join(sorted(given - set(known)))}"
        hint = f"Now: await resonate.{method.name}({', '.join(known)}), where values are Value(data=…)"
        yield finding("RS502", call, scope, message, hint)
    elif method.name == "register" and given - _REGISTERING:
        message = f"register takes no {', '.join(sorted(given - _REGISTERING))}"
        hint = "Now: register(fn, name=…, version=…, retry_policy=…); a timeout goes to options(timeout=…)"
        yield finding("RS502", call, scope, message, hint)
    elif method.name == "options" and given - _OPTIONS:
        message = f"options takes no {', '.join(sorted(given - _OPTIONS))}"
        hint = "Now: options(target=…, timeout=…, version=…); a retry policy goes to Resonate(…) or register(…)"
        yield finding("RS502", call, scope, message, hint)


def _context_call(model: Model, call: ast.Call, method: Method, given: set[str], scope: Scope) -> Iterator[Finding]:
    if method.name == "options" and given - _OPTIONS - {"retry_policy"}:
        message = f"ctx.options takes no {', '.join(sorted(given - _OPTIONS - {'retry_policy'}))}"
        yield finding("RS503", call, scope, message, "Now: ctx.options(target=…, timeout=…, version=…, retry_policy=…)")
    elif method.name == "promise" and given - {"timeout"}:
        message = f"ctx.promise takes no {', '.join(sorted(given - {'timeout'}))}: it gets the next child id"
        yield finding(
            "RS503", call, scope, message, "Now: promise = ctx.promise(timeout=…), and hand on await promise.id()"
        )
    elif method.name == "sleep" and call.args and _is_number(model, call.args[0], scope):
        yield finding("RS503", call, scope, "ctx.sleep takes a timedelta", "Now: await ctx.sleep(timedelta(seconds=…))")
    elif method.name == "get_dependency" and call.args and model.evaluate.text(call.args[0], scope) is not None:
        message = "dependencies have no names: they are found by type"
        yield finding("RS503", call, scope, message, "Now: ctx.get_dependency(Type)")


def _is_number(model: Model, node: ast.expr, scope: Scope) -> bool:
    value = model.evaluate.value(node, scope)
    return isinstance(value, Constant) and type(value.value) in (int, float)


def _attributes(model: Model, scope: Scope) -> Iterator[Finding]:
    for node in scope.found(ast.Attribute):
        if not isinstance(node.ctx, ast.Load):
            continue
        if node.attr in _CONSTRUCTORS and model.evaluate.external(node.value, scope) in CLIENT:
            yield finding("RS502", node, scope, f"Resonate has no {node.attr}", f"Now: {_CONSTRUCTORS[node.attr]}")
            continue
        if node.attr in _NAMES and model.evaluate.external(node, scope) == f"resonate.{node.attr}":
            if isinstance(node.value, ast.Name):
                message = f"SDK 0.8 has no {node.attr} in resonate"
                yield finding("RS501", node, scope, message, f"Now: {_NAMES[node.attr]}")
            continue
        if node.attr not in _ATTRIBUTES:
            continue
        holder = model.evaluate.value(node.value, scope)
        if isinstance(holder, Client) and node.attr in _CLIENT_METHODS:
            hint, text = f"Now: {_CLIENT_METHODS[node.attr]}", _renamed(node, _RENAMED_OF_CLIENT)
            yield finding("RS502", node, scope, f"a client has no {node.attr}", hint, text)
        elif isinstance(holder, Context) and node.attr in _CONTEXT_METHODS:
            hint, text = f"Now: {_CONTEXT_METHODS[node.attr]}", _renamed(node, _RENAMED_OF_CONTEXT)
            yield finding("RS503", node, scope, f"a Context has no {node.attr}", hint, text)
        elif holder == Thing("resonate.handle.ResonateHandle") or isinstance(holder, Future):
            yield from _handle(model, node, holder, scope)


_ATTRIBUTES = frozenset({"promise_id", "id", "result", "options", *_CLIENT_METHODS, *_CONTEXT_METHODS})


def _handle(model: Model, node: ast.Attribute, holder: Future | Thing, scope: Scope) -> Iterator[Finding]:
    """RS505."""
    up = above(node)
    called = isinstance(up, ast.Call) and up.func is node
    method = holder.method if isinstance(holder, Future) else None
    outside = method is None or (isinstance(method, Method) and isinstance(method.of, Client))
    if node.attr == "options" and method is not None:
        hint = "Now: options(…) first, and the call after it: ctx.options(timeout=…).run(fn, …)"
        yield finding("RS502" if outside else "RS503", node, scope, "the result of a call has no options()", hint)
    elif node.attr == "promise_id":
        text = _awaited(node, "id()", scope) if not called else None
        yield finding("RS505", node, scope, "a handle has no promise_id", "Now: await handle.id()", text)
    elif node.attr == "id" and not called:
        message, text = "id is a method of a handle or a future", _awaited(node, "id()", scope)
        yield finding("RS505", node, scope, message, "Now: await handle.id()", text)
    elif node.attr == "result" and called and outside:
        assert up is not None
        if not _is_awaited(model, up, scope):
            message, text = "result() of a handle has to be awaited", _awaited(node, "result", scope)
            yield finding("RS505", node, scope, message, "Now: await handle.result()", text)


def _is_awaited(model: Model, node: ast.AST, scope: Scope, kept: bool = False, depth: int = 0) -> bool:
    """Whether a coroutine is awaited, or handed on to something that may do it. *kept* is one among others."""
    inner, up = node, above(node)
    while up is not None:
        match up:
            case ast.Await() | ast.Yield() | ast.Lambda() | ast.withitem() | ast.Starred() | ast.For():
                return True
            case ast.Return():
                return all(scope is not route.handler for route in model.routes)
            case ast.List() | ast.Tuple() | ast.Set() | ast.Dict() | ast.comprehension():
                kept = True
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                kept = True
            case ast.Call() if up.func is not inner:
                name = model.evaluate.external(up.func, scope)
                return name is None or not name.startswith(_TAKING_VALUES) or name.startswith(_STORING)
            case ast.IfExp() if up.test is not inner:
                pass
            case ast.Subscript() | ast.BoolOp() | ast.NamedExpr() | ast.keyword():
                pass
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                read = loads(name, scope) if depth < _FARTHEST else ()
                return any(_is_awaited(model, it, holder, kept, depth + 1) for it, holder in read)
            case ast.Assign() | ast.AnnAssign():
                return True
            case _:
                return kept and isinstance(up, ast.Attribute | ast.AugAssign)
        inner, up = up, above(up)
    return False


def _yields(model: Model, scope: Scope, helpers: set[Scope]) -> Iterator[Finding]:
    """RS504."""
    if isinstance(scope.node, ast.Module | ast.Lambda) or model.context_of(scope) is None:
        return
    first = next((it for it in scope.nodes if isinstance(it, ast.Yield | ast.YieldFrom)), None)
    if first is None or scope.decorators_named("contextmanager", "asynccontextmanager", "fixture"):
        return
    if scope not in helpers:
        message = (
            f"{scope.name} yields: SDK 0.8 runs async functions, and takes a generator for a result that it cannot keep"
        )
        yield finding("RS504", first, scope, message, f"Now: async def {scope.name}(…), and await instead of yield")


def _gone_through(model: Model) -> set[Scope]:
    """The functions that are called as such, and not by `yield from`: of generators, the helpers of other code."""
    return {
        callee
        for calls in model.plain_calls.values()
        for call, callee in calls
        if not isinstance(above(call), ast.Yield | ast.YieldFrom)
    }
