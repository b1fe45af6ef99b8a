"""RS306: values that do not survive JSON."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.check.rules.durability.rows import is_row, row
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.outside import canonical, is_awaitable
from resonate_scaffold.code.scopes import ProgramClass, Scope
from resonate_scaffold.code.values import (
    Class,
    Client,
    Collection,
    Constant,
    Context,
    External,
    Function,
    Future,
    Instance,
    Thing,
    Value,
)

_KEPT_OUT = re.compile(
    r"builtins\.(open|object|complex|range|map|filter|zip|iter|slice|super|type|enumerate|reversed)"
    r"|builtins\.dict\.(keys|values|items)"
    r"|pathlib\.(Pure)?(Posix|Windows)?Path|fractions\.Fraction|ipaddress\.ip_(address|network|interface)"
    r"|(threading|multiprocessing|asyncio)"
    r"\.(Lock|RLock|Event|Condition|Semaphore|BoundedSemaphore|Queue|Thread|Process)"
    r"|(typing|collections\.abc)\.(IO|TextIO|BinaryIO|Callable|Coroutine)"
    r"|io\.(TextIO\w*|BytesIO|StringIO|BufferedReader|BufferedWriter|FileIO|open)"
    r"|(sqlite3|aiosqlite|psycopg2?|asyncpg)\.((Async)?Connection|Cursor|Pool)"
    r"|asyncpg\.(Connection|Pool)\.(fetch|fetchrow)"
    r"|sqlalchemy\.(ext\.asyncio\.|orm\.)?((async_)?sessionmaker|(Async)?(Session|Connection|Engine)(\.(execute|scalars|stream))?)"
    r"|(httpx|requests)(\.(Async)?Client|\.Session)?\.(get|post|put|patch|delete|request|send|Response)"
    r"|httpx\.(Async)?Client|aiohttp\.Client(Session|Response)|requests\.Session"
    r"|(fastapi|starlette)(\.(requests|responses|background|websockets|datastructures))?"
    r"\.(Request|HTTPConnection|Response|BackgroundTasks|WebSocket|UploadFile)"
    r"|socket\.socket|tempfile\.\w+|subprocess\.Popen|re\.(compile|match|search|fullmatch)"
)
_LOSES_ITS_TYPE = re.compile(
    r"datetime\.(datetime|date|timedelta)(\.(now|today|utcnow|fromtimestamp|fromisoformat))?|decimal\.Decimal"
)
_EXCEPTION = "an exception"
_SAY_NOTHING = frozenset({"typing.Any", "builtins.object"})
_PLAIN_BASES = frozenset({"builtins.object", "abc.ABC"})


def json_values(model: Model) -> Iterator[Finding]:
    """RS306."""
    for scope, calls in model.durable_calls.items():
        for call in calls:
            if call.kind in ("rpc", "detached"):
                given = [*call.arguments, *(it.value for it in call.node.keywords if it.arg not in (None, "fn"))]
                yield from _arguments(model, given, scope)
    for scope, starts in model.starts.items():
        for start in starts:
            if start.kind in ("run", "rpc"):
                named = [it.value for it in start.node.keywords if it.arg not in (None, "fn", "func", "id")]
                yield from _arguments(model, [*start.arguments, *named], scope)
    kept = {it.function for it in model.registrations if it.function is not None}
    for calls in model.durable_calls.values():
        kept |= {it.function for it in calls if it.function is not None}
    for function in sorted(kept, key=lambda it: (it.module.path, it.line)):
        yield from _results(model, function)


def _arguments(model: Model, given: list[ast.expr], scope: Scope) -> Iterator[Finding]:
    for node in given:
        what = _not_json(model, node, scope)
        if what is not None:
            message = f"{what} is given to a call that another process runs: it cannot be written as JSON"
            hint = "Pass what JSON can hold: a name, an id, plain values, a model."
            yield finding("RS306", node, scope, message, hint)


def _results(model: Model, function: Scope) -> Iterator[Finding]:
    """What a durable function gives: by what it returns, and where that is not known by its annotation."""
    if isinstance(function.node, ast.Lambda) or function.yields or function.module.is_test:
        return
    outer = function.outer or function
    declared = model.evaluate.annotated(function.returns, outer)
    base = function.returns.value if isinstance(function.returns, ast.Subscript) else function.returns
    named = model.evaluate.external(base, outer) if base is not None else None
    untyped = function.returns is None or named in _SAY_NOTHING
    for it in function.found(ast.Return):
        if it.value is None:
            continue
        value = model.evaluate.value(it.value, function)
        what = _not_json(model, it.value, function)
        if what is None and value is None and not untyped:
            what = _declared_row(model, declared) or _kept_out(declared)
            what = what or (_kept_out(Thing(named)) if named is not None else None)
        if isinstance(value, Thing) and is_awaitable(value.of) and not function.is_async:
            continue  # the SDK awaits it
        if what is None and isinstance(value, Future) and function.is_async:
            message = f"{function.name} returns a durable call that it has not awaited"
            yield finding("RS306", it.value, function, message, "Return await …: what is recorded is its result.")
        elif what == _EXCEPTION:
            message = f"{function.name} returns an exception: the engine records a failure, and awaiting it raises"
            yield finding("RS306", it.value, function, message, "Raise it, or return what says what is wrong.")
        elif what is not None:
            message = f"{function.name} returns {what}, which cannot be written as JSON"
            hint = "Return what JSON can hold, and make the rest where it is used."
            yield finding("RS306", it.value, function, message, hint)
        elif untyped and (kind := _loses_its_type(value)) is not None:
            message = f"{function.name} returns {kind} without a return annotation: its caller gets plain JSON"
            hint = "Annotate the return type, so that the caller gets that type back."
            yield finding("RS306", it.value, function, message, hint)


def _not_json(model: Model, node: ast.expr, scope: Scope) -> str | None:
    """What an expression is that has no JSON; of a literal collection, what is in it."""
    if isinstance(node, ast.Name) and _is_caught(node.id, scope):
        return _EXCEPTION
    match node:
        case ast.Dict(values=items) | ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return next((what for it in items if (what := _not_json(model, it, scope)) is not None), None)
    of_a_session = row(model, node, scope)
    if of_a_session is not None:
        return _row_of(of_a_session)
    value = model.evaluate.value(node, scope)
    match value:
        case External("flask.request" | "quart.request"):
            return "the request"
        case Function(inner) if not inner.decorators:
            return "a function"
        case Class():
            return "a class"
        case External(name) if _is_builtin_function(name):
            return "a function"
        case Collection("generator"):
            return "a generator"
        case Context():
            return "the context"
        case Client():
            return "the client"
        case Constant(complex()):
            return "a complex number"
        case Instance(class_, call) if call is not None:
            if _is_exception(model, class_):
                return _EXCEPTION
            is_plain = _is_plain(model, class_)
            return f"an object of class {class_.name}, which is neither a dataclass nor a model" if is_plain else None
    return _kept_out(value)


def _declared_row(model: Model, declared: Value | None) -> str | None:
    return _row_of(declared.class_) if isinstance(declared, Instance) and is_row(model, declared.class_) else None


def _row_of(class_: ProgramClass) -> str:
    return f"a row of class {class_.name} (it belongs to its session)"


def _kept_out(value: Value | None) -> str | None:
    if not isinstance(value, Thing):
        return None
    if is_builtin_exception(value.of):
        return _EXCEPTION
    name = canonical(value.of)
    if not _KEPT_OUT.fullmatch(name) and not is_awaitable(name):
        return None
    if name.rpartition(".")[2].islower() and not name.startswith("builtins."):
        return f"what {name} gives"
    return f"an object of class {name.removeprefix('builtins.')}"


def _is_builtin_function(name: str) -> bool:
    return name.startswith("builtins.") and callable(getattr(builtins, name.removeprefix("builtins."), None))


def is_builtin_exception(name: str) -> bool:
    """Whether a qualified name, such as `builtins.ValueError`, is that of an exception of Python's own."""
    known = getattr(builtins, name.removeprefix("builtins."), None) if name.startswith("builtins.") else None
    return isinstance(known, type) and issubclass(known, BaseException)


def _is_caught(name: str, scope: Scope) -> bool:
    """Whether a name is that of a caught exception, and of nothing else."""
    bindings = scope.bindings.get(name, ())
    return bool(bindings) and all(isinstance(it.node, ast.ExceptHandler) for it in bindings)


def bases(model: Model, class_: ProgramClass) -> Iterator[Value | None]:
    """What a class extends, through the classes of the program."""
    waiting, seen = [class_], {class_}
    while waiting:
        current = waiting.pop()
        for node in current.node.bases:
            base = model.evaluate.value(node, current.outer)
            if isinstance(base, Class):
                if base.class_ not in seen:
                    seen.add(base.class_)
                    waiting.append(base.class_)
                    yield base
            else:
                yield base


def _is_exception(model: Model, class_: ProgramClass) -> bool:
    return any(isinstance(it, External) and is_builtin_exception(it.name) for it in bases(model, class_))


def _is_plain(model: Model, class_: ProgramClass) -> bool:
    """Whether instances are just objects: no dataclass, model, enumeration or whatever a decorator makes of them."""
    for base in (Class(class_), *bases(model, class_)):
        match base:
            case Class(inner):
                if inner.node.decorator_list or inner.node.keywords:
                    return False
            case External(name) if name in _PLAIN_BASES:
                pass
            case _:
                return False
    return True


def _loses_its_type(value: Value | None) -> str | None:
    """What JSON reads back as something else, where nothing says what it was."""
    match value:
        case Collection("set"):
            return "a set"
        case Constant(bytes()):
            return "bytes"
        case Thing(of) if _LOSES_ITS_TYPE.fullmatch(of):
            names = of.split(".")[1:]
            return f"what is of class {next(name for name in names if name != 'datetime' or of.count('datetime') > 1)}"
    return None
