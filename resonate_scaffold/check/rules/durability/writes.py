"""RS303: writes of a db function outside of `once`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.code.facts import Registration
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.outside import canonical, kind_of
from resonate_scaffold.code.scopes import Bound, Scope
from resonate_scaffold.code.values import Constant, External, Function, Text, Thing

_WRITES = re.compile(r"sqlalchemy\..*\.(add|add_all|merge|delete|commit|flush|bulk_\w+)")
_EXECUTES = re.compile(
    r"(sqlalchemy|sqlite3|aiosqlite|psycopg2?|asyncpg)\..*"
    r"\.(execute|executemany|exec|scalar|scalars|exec_driver_sql|fetch|fetchrow|fetchval)"
)
_STATEMENT = re.compile(r"\s*(insert|update|delete|replace|merge|create|drop|alter|truncate)\b", re.IGNORECASE)
_WRITING = re.compile(r"sqlalchemy(\.\w+)*\.(insert|update|delete)(\.\w+)*")
_DATABASE_GROUP = "db"


def writes(model: Model) -> Iterator[Finding]:
    """RS303: in a service that has `once`, the first write of each function of its database."""
    databases = list(_databases(model))
    if not databases:
        return
    effects = _given_to_once(model)
    hint = "Put it into the effect that `once` gets: the claim and the rows are one transaction."
    told: set[ast.Call] = set()
    for it in model.registrations:
        if it.function is None or not _is_of_a_database(it, databases):
            continue
        found = next(_writes_outside(model, it.function, effects), None)
        if found is not None and found[0] not in told:
            told.add(found[0])
            message = f"{it.function.name} writes outside of `once`: it may run twice, and then writes twice"
            yield finding("RS303", *found, message, hint)


def _databases(model: Model) -> Iterator[tuple[PurePosixPath, PurePosixPath]]:
    """The directory of each database whose writes go through `once`, and that of its service.

    `once` is in the runtime of the service; in services of version 0.1.0 in `operations`, beside the db functions.
    """
    for module in model.modules:
        directory = module.path.parent
        if module in model.runtime and module.path.name == "once.py" and _defines(module.scope, "once"):
            service = directory.parent.parent
            yield service / _DATABASE_GROUP, service
        elif module.path.name == "operations.py" and _defines(module.scope, "once"):
            yield directory, directory.parent if directory.name == _DATABASE_GROUP else directory


def _defines(scope: Scope, name: str) -> bool:
    return any(it.how is Bound.function for it in scope.bindings.get(name, ()))


def _is_of_a_database(it: Registration, databases: list[tuple[PurePosixPath, PurePosixPath]]) -> bool:
    """Whether a function belongs to a group whose writes go through `once`: it stands in a service that has one."""
    if it.contract is not None and any(it.scope.module.path.parent == directory for directory, _ in databases):
        return True
    if it.group != _DATABASE_GROUP or it.function is None:
        return False
    return any(it.function.module.path.is_relative_to(service) for _, service in databases)


def _given_to_once(model: Model) -> set[Scope]:
    """The functions that are handed to `once`, or to what hands them on."""
    found: set[Scope] = set()
    for scope in model.scopes:
        for call, callee in model.plain_calls.get(scope, ()):
            if any(it.name == "once" for it in model.reached(callee)):
                for given in (*call.args, *(keyword.value for keyword in call.keywords)):
                    value = model.evaluate.value(given, scope)
                    if isinstance(value, Function):
                        found.add(value.scope)
    return found


def _writes_outside(model: Model, function: Scope, effects: set[Scope]) -> Iterator[tuple[ast.Call, Scope]]:
    """What a function writes itself and in the functions that it calls, but for the effects and for `once` itself."""
    found = [function]
    for scope in found:
        if scope.module in model.runtime or scope.module.path.name in ("operations.py", "database.py"):
            continue
        yield from ((call, scope) for call in scope.calls if _is_write(model, call, scope))
        callees = [callee for _, callee in model.plain_calls.get(scope, ())]
        found += [it for it in callees if it not in found and it not in effects]


def _is_write(model: Model, call: ast.Call, scope: Scope) -> bool:
    function = model.evaluate.value(call.func, scope)
    if isinstance(function, Function):
        owner = function.owner
        return function.scope.name == "write" and owner is not None and owner.class_.name == "Database"
    if not isinstance(function, External):
        return False
    name = canonical(function.name)
    if kind_of(name) != "effects":
        return False
    if _WRITES.fullmatch(name):
        return True
    return _EXECUTES.fullmatch(name) is not None and bool(call.args) and _is_statement(model, call.args[0], scope)


def _is_statement(model: Model, node: ast.expr, scope: Scope) -> bool:
    """Whether what is executed changes something, as far as it is known."""
    value = model.evaluate.value(node, scope)
    if isinstance(value, Thing):
        if value.of in ("sqlalchemy.text", "sqlalchemy.sql.text") and isinstance(node, ast.Call) and node.args:
            return _is_statement(model, node.args[0], scope)
        return _WRITING.fullmatch(value.of) is not None
    match value:
        case Constant(str(text)) | Text((str(text), *_)):
            return _STATEMENT.match(text) is not None
    return False
