"""RS401 and RS402: routes that do what only a worker does."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.code.facts import Start
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.routes import Route
from resonate_scaffold.code.scopes import Scope
from resonate_scaffold.code.values import Context, Function, Thing

_DATABASES = r"(sqlalchemy|sqlmodel|sqlite3|aiosqlite|psycopg2?|asyncpg|pymongo|motor)"
_WRITES = re.compile(
    _DATABASES
    + r"\..*\.(add|add_all|merge|delete|insert_one|insert_many|update_one|update_many|delete_one|replace_one)"
    r"|pathlib\.Path\.(write_text|write_bytes)|smtplib\.\w+\.(sendmail|send_message)|aiosmtplib\.send"
)
_COMMITS = re.compile(_DATABASES + r"\..*\.commit")
_EXECUTES = frozenset({"execute", "executemany", "fetchrow", "fetchval", "scalar", "scalars"})
_STATEMENT = re.compile(r"\s*(insert|update|delete|replace|merge|truncate)\b", re.IGNORECASE)
# What only makes a statement.
_WRITING = re.compile(
    r"(sqlalchemy|sqlmodel)((\.sql|\.dialects)(\.\w+)*|(\.\w+)*\.Table)?\.(insert|update|delete)(\.\w+)*"
)
_POSTS = re.compile(r"(requests|httpx|aiohttp|niquests)\.(\w+\.)?(post|put|patch|delete)")
# What is sent by POST and changes nothing.
_ASKS = re.compile(r"introspect|verif|token|auth|captcha|valid|search|graphql|query|check|lookup", re.IGNORECASE)


def work(model: Model, route: Route, starts: list[Start]) -> Iterator[Finding]:
    handler = route.handler
    for call, callee in model.plain_calls.get(handler, ()):
        if _needs_a_context(model, callee) and not _hands_a_context(model, call, handler):
            message = f"{handler.name} calls the durable function {callee.name} directly: nothing of it is recorded"
            yield finding("RS401", call, handler, message, "Start it with rpc under an id, and answer 202.")
    if not any(it.scope is handler for it in starts):
        return
    writes = [it for it in handler.calls if _writes(model, it, handler)]
    commits = [] if writes else [it for it in handler.calls if _matches(model, it, handler, _COMMITS)]
    for call in writes or commits:
        written = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
        message = (
            f"{handler.name} starts durable work and writes itself ({written}): "
            "a crash between the two leaves only one of them"
        )
        yield finding("RS401", call, handler, message, "Let the workflow write, in a step or a db function.")


def _needs_a_context(model: Model, callee: Scope) -> bool:
    """Whether a function is durable, and not a helper that also does without a Context: `ctx: Context | None`."""
    if model.context_of(callee) is None:
        return False
    arguments = callee.arguments
    first = callee.positional[0]
    has_default = len(arguments.defaults) >= len([*arguments.posonlyargs, *arguments.args])
    return not has_default and not isinstance(first.annotation, ast.BinOp | ast.Subscript)


def _hands_a_context(model: Model, call: ast.Call, scope: Scope) -> bool:
    given = (*call.args, *(it.value for it in call.keywords))
    return any(isinstance(model.evaluate.value(it, scope), Context) for it in given)


def _matches(model: Model, call: ast.Call, scope: Scope, pattern: re.Pattern[str]) -> bool:
    name = model.evaluate.external(call.func, scope)
    return name is not None and pattern.fullmatch(name) is not None


def _writes(model: Model, call: ast.Call, scope: Scope) -> bool:
    """Whether a call writes to a database, a file, or to another service."""
    if _matches(model, call, scope, _WRITES):
        return not _matches(model, call, scope, _WRITING)
    if isinstance(call.func, ast.Attribute) and call.func.attr in _EXECUTES and call.args:
        # Whatever it is executed on, if it is not of the program: the statement tells.
        own = isinstance(model.evaluate.value(call.func, scope), Function)
        return not own and _is_writing(model, call.args[0], scope)
    if _matches(model, call, scope, _POSTS):
        return not (call.args and _ASKS.search(ast.unparse(call.args[0])))
    if model.evaluate.external(call.func, scope) in ("builtins.open", "pathlib.Path.open", "aiofiles.open"):
        mode = argument(call, "mode", 0 if isinstance(call.func, ast.Attribute) and call.func.attr == "open" else 1)
        text = model.evaluate.text(mode, scope)
        return text is not None and re.fullmatch(r"[rbt+]*[wax][rbt+]*", text) is not None
    return False


def _is_writing(model: Model, node: ast.expr, scope: Scope) -> bool:
    """Whether a statement is known to change rows."""
    parts = model.evaluate.parts(node, scope)
    if parts is not None:
        return parts[0] is not None and _STATEMENT.match(parts[0]) is not None
    value = model.evaluate.value(node, scope)
    if isinstance(value, Thing):
        if value.of.endswith(".text") and isinstance(node, ast.Call) and node.args:
            return _is_writing(model, node.args[0], scope)
        return _WRITING.fullmatch(value.of) is not None
    return False


def contexts(model: Model, route: Route) -> Iterator[Finding]:
    handler = route.handler
    hint = "Start a workflow with rpc; let that make the durable calls."
    for parameter in (*handler.positional, *handler.arguments.kwonlyargs):
        if isinstance(model.evaluate.name(parameter.arg, handler), Context):
            message = f"the route {handler.name} takes a Context, which only a durable function gets"
            yield finding("RS402", handler.node, handler, message, hint)
            return
    for call in handler.calls:
        name = model.evaluate.external(call.func, handler)
        if name is not None and re.fullmatch(r"resonate\.(context\.)?Context(\.root)?", name):
            message = f"the route {handler.name} makes a Context of its own: nothing that it does is recorded"
            yield finding("RS402", call, handler, message, hint)
