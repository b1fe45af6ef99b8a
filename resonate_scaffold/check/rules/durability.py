"""RS3xx: what makes a durable function survive."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.code.facts import DurableCall, Registration
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.outside import blocks, canonical, kind_of
from resonate_scaffold.code.scopes import Bound, ProgramClass, Scope, above, enclosing
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
    Text,
    Thing,
    Value,
)

# Of a session: nothing of it is sent before a flush or a commit.
_COLLECTED = re.compile(r".*\.(add|add_all|merge|delete)")
_WRITES = re.compile(r"sqlalchemy\..*\.(add|add_all|merge|delete|commit|flush|bulk_\w+)")
_EXECUTES = re.compile(
    r"(sqlalchemy|sqlite3|aiosqlite|psycopg2?|asyncpg)\..*"
    r"\.(execute|executemany|exec|scalar|scalars|exec_driver_sql|fetch|fetchrow|fetchval)"
)
_STATEMENT = re.compile(r"\s*(insert|update|delete|replace|merge|create|drop|alter|truncate)\b", re.IGNORECASE)
_WRITING = re.compile(r"sqlalchemy(\.\w+)*\.(insert|update|delete)(\.\w+)*")
_DATABASE_GROUP = "db"
# A function with one of these is still called as it is.
_TRANSPARENT = re.compile(
    r"builtins\.(staticmethod|classmethod|property)|functools\.(cache|lru_cache|cached_property|wraps)"
    r"|contextlib\.contextmanager|typing\.(override|no_type_check)"
)
_GATHERS = frozenset({"asyncio.gather", "asyncio.ensure_future"})
_KEPT_OUT = re.compile(
    r"builtins\.(open|object|complex|range|map|filter|zip|iter|slice|super|type|enumerate|reversed)"
    r"|builtins\.dict\.(keys|values|items)"
    r"|pathlib\.(Pure)?(Posix|Windows)?Path|fractions\.Fraction|ipaddress\.ip_(address|network|interface)"
    r"|(threading|multiprocessing|asyncio)"
    r"\.(Lock|RLock|Event|Condition|Semaphore|BoundedSemaphore|Queue|Thread|Process|Task|Future|create_task)"
    r"|(typing|collections\.abc)\.(IO|TextIO|BinaryIO|Callable|Coroutine)"
    r"|io\.(TextIO\w*|BytesIO|StringIO|BufferedReader|BufferedWriter|FileIO|open)"
    r"|(sqlite3|aiosqlite|psycopg2?|asyncpg)\.((Async)?Connection|Cursor|Pool)"
    r"|asyncpg\.(Connection|Pool)\.(fetch|fetchrow)"
    r"|sqlalchemy\.(ext\.asyncio\.|orm\.)?((async_)?sessionmaker|(Async)?(Session|Connection|Engine)(\.(execute|scalars|stream))?)"
    r"|(httpx|requests)(\.(Async)?Client|\.Session)?\.(get|post|put|patch|delete|request|send|Response)"
    r"|httpx\.(Async)?Client|aiohttp\.Client(Session|Response)|requests\.Session"
    r"|socket\.socket|tempfile\.\w+|subprocess\.Popen|re\.(compile|match|search|fullmatch)"
)
# What the SDK awaits where a function that is not async returns it.
_AWAITABLE = frozenset({"asyncio.create_task", "asyncio.Task", "asyncio.Future"})
_LOSES_ITS_TYPE = re.compile(
    r"datetime\.(datetime|date|timedelta)(\.(now|today|utcnow|fromtimestamp|fromisoformat))?|decimal\.Decimal"
)
_EXCEPTION = "an exception"
_SAY_NOTHING = frozenset({"typing.Any", "builtins.object"})
_PLAIN_BASES = frozenset({"builtins.object", "abc.ABC"})
_TIMED_OUT = frozenset(
    {
        "builtins.TimeoutError",
        "asyncio.TimeoutError",
        "asyncio.exceptions.TimeoutError",
        "resonate.error.ResonateTimeoutError",
    }
)
_BROADER = frozenset(
    {"resonate.error.ApplicationError", "resonate.error.ResonateError", "builtins.Exception", "builtins.BaseException"}
)
# What can raise a TimeoutError of its own.
_WAITING_KINDS = frozenset({"network", "effects", "threads", "asyncio"})
_MOST_RETRIES = 1000
_POLICIES = frozenset({"resonate.retry.Exponential", "resonate.retry.Constant", "resonate.retry.Linear"})
_ENDLESS = frozenset({"sys.maxsize", "math.inf"})
_STREAM = re.compile(r"resonate\.connections\.(sse\.)?SSEConnection")


def durability(model: Model) -> Iterator[Finding]:
    """Whatever has an effect is recorded, bounded, awaited, and can be written down."""
    yield from _effects(model)
    yield from _parent_contexts(model)
    yield from _writes(model)
    yield from _blocking(model)
    yield from _dropped(model)
    yield from _unwritable(model)
    yield from _retries(model)
    yield from _timeouts(model)
    yield from _timeout_errors(model)
    yield from _deaf(model)


# -- RS301 ------------------------------------------------------------------------------------------------------------


def _effects(model: Model) -> Iterator[Finding]:
    """RS301: in a function the statements, or what a session collects where it sends them by its end."""
    hint = "Do it in a step, await ctx.run(…), or in a db function that is called by rpc."
    for scope, workflow in model.workflow_code.items():
        named = [(call, model.evaluate.external(call.func, scope)) for call in scope.calls]
        effects = [(call, name) for call, name in named if name is not None and kind_of(name) == "effects"]
        sent = [(call, name) for call, name in effects if not _COLLECTED.fullmatch(name)]
        told: set[int] = set()
        for call, name in sent or effects:
            if call.lineno in told:
                continue
            told.add(call.lineno)
            whose = scope.name if scope is workflow else f"{scope.name}, called from {workflow.name} without a step,"
            message = f"{whose} does {name.rpartition('.')[2]} outside of a step: it happens again at each replay"
            yield finding("RS301", call, scope, message, hint)


# -- RS302 ------------------------------------------------------------------------------------------------------------


def _parent_contexts(model: Model) -> Iterator[Finding]:
    """RS302: in a step, and in the functions around which the same workflow stands and that the step calls."""
    steps = {
        call.function
        for calls in model.durable_calls.values()
        for call in calls
        if call.kind == "run" and call.function is not None
    }
    hint = "Use the context that the step itself gets."
    told: set[ast.Call] = set()
    for step in sorted(steps, key=lambda it: (it.module.path, it.line)):
        around = set(_outwards(step))
        for scope in _code_of(model, step, around):
            for node, context in _uses_of_contexts(model, scope):
                if context.scope in around and node not in told:
                    told.add(node)
                    message = (
                        f"{_name(step)} runs as a step and makes a durable call with the context of "
                        f"{context.scope.name}: ids come in another order at a replay"
                    )
                    yield finding("RS302", node, scope, message, hint)


def _outwards(scope: Scope) -> Iterator[Scope]:
    """The functions that a function stands in."""
    outer = scope.outer
    while outer is not None and outer.outer is not None:
        yield outer
        outer = outer.outer


def _code_of(model: Model, step: Scope, around: set[Scope]) -> list[Scope]:
    """A step, the functions in it, and those beside it that it calls: all that can see the context around it."""
    found = [step]
    for scope in found:
        called = [callee for _, callee in model.plain_calls.get(scope, ()) if callee.outer in around]
        found += [it for it in (*scope.inner, *called) if it not in found]
    return found


def _uses_of_contexts(model: Model, scope: Scope) -> Iterator[tuple[ast.Call, Context]]:
    """The durable calls of a function, and its calls of functions that make some with a context that it hands on."""
    for call in model.durable_calls.get(scope, ()):
        yield call.node, call.context
    for node, callee in model.plain_calls.get(scope, ()):
        if model.makes_durable_calls(callee):
            for given in (*node.args, *(it.value for it in node.keywords)):
                value = model.evaluate.value(given, scope)
                if isinstance(value, Context):
                    yield node, value


def _name(scope: Scope) -> str:
    return "a lambda" if isinstance(scope.node, ast.Lambda) else scope.name


# -- RS303 ------------------------------------------------------------------------------------------------------------


def _writes(model: Model) -> Iterator[Finding]:
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


# -- RS304 ------------------------------------------------------------------------------------------------------------


def _blocking(model: Model) -> Iterator[Finding]:
    """RS304."""
    asynchronous = {it: f"{it.name} is a durable function" for it in model.durable_functions if it.is_async}
    if model.program_uses_resonate:
        for route in model.routes:
            if route.handler.is_async:
                asynchronous.setdefault(route.handler, f"{route.handler.name} is a route")
    told: set[ast.Call] = set()
    for start, what in asynchronous.items():
        for scope in _in_the_loop(model, start):
            for call in scope.calls:
                name = model.evaluate.external(call.func, scope)
                if name is None or not blocks(name) or call in told or _is_instant(model, call, scope):
                    continue
                if scope in model.workflow_code and kind_of(name) is not None:
                    continue  # it may not be there at all: see RS2xx and RS301
                told.add(call)
                shown = name.removeprefix("builtins.")
                message = f"{shown} blocks the event loop: {what}, and all else in its process stands still"
                yield finding("RS304", call, scope, message, "Use an async library, or asyncio.to_thread in a step.")


def _in_the_loop(model: Model, scope: Scope) -> list[Scope]:
    """An async function, and the functions that it calls; a decorator may send one to a thread."""
    found = [scope]
    for holder in found:
        for _, callee in model.plain_calls.get(holder, ()):
            if callee not in found and (callee.is_async or _is_called_as_it_is(model, callee)):
                found.append(callee)
    return found


def _is_instant(model: Model, call: ast.Call, scope: Scope) -> bool:
    """Whether this is `time.sleep(0)`, which lets other threads run."""
    return len(call.args) == 1 and model.evaluate.value(call.args[0], scope) == Constant(0)


def _is_called_as_it_is(model: Model, function: Scope) -> bool:
    outer = function.outer or function
    names = [
        model.evaluate.external(it.func if isinstance(it, ast.Call) else it, outer) or "" for it in function.decorators
    ]
    return all(_TRANSPARENT.fullmatch(it) for it in names)


# -- RS305 ------------------------------------------------------------------------------------------------------------


def _dropped(model: Model) -> Iterator[Finding]:
    """RS305."""
    for scope, calls in model.durable_calls.items():
        if _yields(scope):
            continue
        for call in calls:
            if call.kind != "detached" and _is_dropped(model, call.node, scope):
                message = (
                    f"the {_call_name(call)} is made and never awaited: its failure is lost, "
                    "and the workflow waits for it all the same"
                )
                hint = "Await it, or use ctx.detached for what nobody waits for."
                yield finding("RS305", call.node, scope, message, hint)


def _call_name(call: DurableCall) -> str:
    if call.kind in ("contract", "fan_out", "wait"):
        variable = call.contract.variable if call.contract else call.gate.variable if call.gate else ""
        return f"durable call of {variable}"
    return f"ctx.{call.kind}"


def _is_dropped(model: Model, node: ast.AST, scope: Scope) -> bool:
    """Whether what a call gives ends as a statement, or under a name that nobody reads."""
    place: int | None = None
    up = above(node)
    while True:
        match up:
            case ast.Expr():
                return True
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                return not _is_read(name, scope)
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)) if place is not None:
                target = names[place] if len(names) == len(values) else None
                starred = any(isinstance(it, ast.Starred) for it in (*names, *values))
                return isinstance(target, ast.Name) and not starred and not _is_read(target.id, scope)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append")):
                return _is_own_list(name, scope) and not _is_read(name, scope)
            case ast.Call(func=function) if model.evaluate.external(function, scope) in _GATHERS:
                pass
            case ast.Tuple(elts=items):
                place = next((at for at, it in enumerate(items) if it is node), None) if place is None else None
            case ast.List() | ast.Set() | ast.ListComp() | ast.SetComp() | ast.BoolOp() | ast.IfExp() | ast.Starred():
                if isinstance(up, ast.IfExp) and up.test is node:
                    return False
            case _:
                return False
        node, up = up, above(up)


def _is_read(name: str, scope: Scope) -> bool:
    """Whether a function, or one inside it, reads a name, other than to append to what it holds."""
    if name in scope.globals:
        return True
    if any(it.id == name and isinstance(it.ctx, ast.Load) and not _appends(it) for it in scope.found(ast.Name)):
        return True
    return any(_is_read(name, inner) for inner in scope.inner)


def _appends(node: ast.Name) -> bool:
    """Whether a name stands there only to have something appended: `calls.append(…)`."""
    attribute = above(node)
    if not isinstance(attribute, ast.Attribute) or attribute.attr != "append":
        return False
    call = above(attribute)
    return isinstance(call, ast.Call) and call.func is attribute and isinstance(above(call), ast.Expr)


def _is_own_list(name: str, scope: Scope) -> bool:
    """Whether a name is a list that this function makes: nobody else has it."""
    bindings = scope.bindings.get(name, ())
    return bool(bindings) and all(it.how is Bound.value and isinstance(it.node, ast.List) for it in bindings)


def _yields(scope: Scope) -> bool:
    return any(isinstance(it, ast.Yield | ast.YieldFrom) for it in scope.nodes)


# -- RS306 ------------------------------------------------------------------------------------------------------------


def _unwritable(model: Model) -> Iterator[Finding]:
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
            hint = "Give what can be written down: a name, an id, plain values, a model."
            yield finding("RS306", node, scope, message, hint)


def _results(model: Model, function: Scope) -> Iterator[Finding]:
    """What a durable function gives: by what it returns, and where that is not known by its annotation."""
    if isinstance(function.node, ast.Lambda) or _yields(function) or function.module.is_test:
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
            what = _kept_out(declared) or (_kept_out(Thing(named)) if named is not None else None)
        if isinstance(value, Thing) and value.of in _AWAITABLE and not function.is_async:
            continue
        if what is None and isinstance(value, Future) and function.is_async:
            message = f"{function.name} returns a durable call that it has not awaited"
            yield finding("RS306", it.value, function, message, "Return await …: what is recorded is its result.")
        elif what == _EXCEPTION:
            message = f"{function.name} returns an exception: it is recorded as a failure, and raised by its await"
            yield finding("RS306", it.value, function, message, "Raise it, or return what says what is wrong.")
        elif what is not None:
            message = f"{function.name} returns {what}, which cannot be written as JSON"
            hint = "Return what can be written down, and make the rest of it where it is used."
            yield finding("RS306", it.value, function, message, hint)
        elif untyped and (kind := _loses_its_type(value)) is not None:
            message = f"{function.name} returns {kind}, and does not say so: its caller gets the JSON of it"
            hint = "Annotate the result, so that it is read back as what it was."
            yield finding("RS306", it.value, function, message, hint)


def _not_json(model: Model, node: ast.expr, scope: Scope) -> str | None:
    """What an expression is that has no JSON; of a literal collection, what is in it."""
    if isinstance(node, ast.Name) and _is_caught(node.id, scope):
        return _EXCEPTION
    match node:
        case ast.Dict(values=items) | ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return next((what for it in items if (what := _not_json(model, it, scope)) is not None), None)
    value = model.evaluate.value(node, scope)
    match value:
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


def _kept_out(value: Value | None) -> str | None:
    if not isinstance(value, Thing):
        return None
    if is_builtin_exception(value.of):
        return _EXCEPTION
    name = canonical(value.of)
    if not _KEPT_OUT.fullmatch(name):
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


# -- RS307 ------------------------------------------------------------------------------------------------------------


def _retries(model: Model) -> Iterator[Finding]:
    """RS307."""
    bare: dict[ast.Call, Registration] = {}
    for it in model.registrations:
        if it.client is not None and it.client.node is not None and not it.retries:
            bare.setdefault(it.client.node, it)
    for client in model.clients:
        assert client.node is not None and client.scope is not None
        if client.node not in bare or any(it.arg is None for it in client.node.keywords) or model.is_stale(client):
            continue
        if not _is_given(model, argument(client.node, "retry_policy"), client.scope):
            which = bare[client.node].name or "a function"
            message = (
                f"functions of this client ({which}) are retried 30 times with doubling pauses, which takes decades: "
                "a failing one stays pending"
            )
            hint = (
                "Give Resonate(retry_policy=…) or register(retry_policy=…), such as "
                "Exponential(delay=1, factor=2, max_delay=30, max_retries=5)."
            )
            yield finding("RS307", client.node, client.scope, message, hint)
    for scope in model.scopes:
        for call in scope.calls:
            if model.evaluate.external(call.func, scope) in _POLICIES and _is_endless(model, call, scope):
                message = "a policy with so many retries keeps a failing function pending for ever"
                hint = "Bound it: a handful of retries, then a failure that is seen."
                yield finding("RS307", call, scope, message, hint)


def _is_given(model: Model, node: ast.expr | None, scope: Scope) -> bool:
    """Whether an option is said: None means the default, said or not."""
    return node is not None and model.evaluate.value(node, scope) != Constant(None)


def _is_endless(model: Model, policy: ast.Call, scope: Scope) -> bool:
    most = argument(policy, "max_retries")
    if most is None:
        return False
    number = model.evaluate.number(most, scope)
    return number > _MOST_RETRIES if number is not None else model.evaluate.external(most, scope) in _ENDLESS


# -- RS308 ------------------------------------------------------------------------------------------------------------


def _timeouts(model: Model) -> Iterator[Finding]:
    """RS308."""
    bounded = _called_with_a_timeout(model)
    for scope, calls in model.durable_calls.items():
        for call in calls:
            if call.kind == "promise" and not {scope, model.workflow_code.get(scope)} & bounded:
                given = argument(call.node, "timeout", 0)
                # One with an id is of an older release: RS503 tells it.
                if _is_given(model, given, scope) or any(it.arg in (None, "id") for it in call.node.keywords):
                    continue
                message = "ctx.promise() has no timeout of its own: where nobody answers, the workflow waits for a day"
                hint = "Give it one: ctx.promise(timeout=…), and decide what happens then."
                yield finding("RS308", call.node, scope, message, hint)
            elif call.kind == "rpc" and (group := _foreign_group(model, call)) is not None:
                assert call.options.node is not None
                message = f"a call to group {group!r} without a timeout waits a day for a group that does not answer"
                hint = "Give it one: options(target=…, timeout=timedelta(…))."
                yield finding("RS308", call.options.node, call.options.scope or scope, message, hint)


def _called_with_a_timeout(model: Model) -> set[Scope | None]:
    """The functions that are called with a timeout: whatever they wait for ends with that call."""
    found: set[Scope | None] = set()
    for scope, calls in model.durable_calls.items():
        for call in calls:
            if _is_given(model, call.options.timeout, call.options.scope or scope):
                found.update(_callees(model, call))
    return found - {None}


def _callees(model: Model, call: DurableCall) -> list[Scope]:
    """The functions here that a durable call may mean."""
    if call.function is not None:
        return [call.function]
    name = call.contract.name if call.contract is not None else call.name
    return [it.function for it in model.by_name.get(name or "", ()) if it.function is not None]


def _foreign_group(model: Model, call: DurableCall) -> str | None:
    """The other group that a call goes to without a timeout."""
    options = call.options
    if options.node is None or any(it.arg is None for it in options.node.keywords):
        return None
    if options.target is None or _is_given(model, options.timeout, options.scope or call.scope):
        return None
    # What is registered in a way that cannot be read may run in any group that is joined here.
    own = model.own_groups(call.scope) or model.groups.keys()
    return next((it for it in model.groups_named(options, call.scope) if it is not None and it not in own), None)


# -- RS309 ------------------------------------------------------------------------------------------------------------


def _timeout_errors(model: Model) -> Iterator[Finding]:
    """RS309."""
    for scope in model.workflow_code:
        for handler in scope.found(ast.ExceptHandler):
            block = above(handler)
            if not isinstance(block, ast.Try):
                continue
            caught = _caught(model, handler, scope)
            if not caught or not caught <= _TIMED_OUT:
                continue
            others = [it for it in block.handlers if it is not handler]
            if any(it.type is None or _caught(model, it, scope) & _BROADER for it in others):
                continue
            if _waits_for_durable_calls_only(model, block, scope):
                message = (
                    "a durable call that timed out raises ApplicationError in a workflow, "
                    f"so {scope.name} never comes here"
                )
                yield finding("RS309", handler, scope, message, "Catch resonate.error.ApplicationError.")


def _caught(model: Model, handler: ast.ExceptHandler, scope: Scope) -> set[str]:
    if handler.type is None:
        return set()
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {model.evaluate.external(it, scope) or "?" for it in kinds}


def _waits_for_durable_calls_only(model: Model, block: ast.Try, scope: Scope) -> bool:
    """Whether a `try` awaits durable calls, and nothing in it is known to raise a TimeoutError of its own."""
    awaited: list[DurableCall] = []
    for node in scope.found(ast.Await):
        if is_tried(node, block):
            calls = awaited_calls(model, node.value, scope)
            if not calls or any(_may_time_out_itself(model, it) for it in calls):
                return False
            awaited += calls
    durable = {it.node for it in awaited}
    for call in scope.calls:
        if call not in durable and is_tried(call, block) and _raises_a_timeout(model, call, scope):
            return False
    return bool(awaited)


def is_tried(node: ast.AST, block: ast.Try) -> bool:
    """Whether a node stands in what a `try` tries."""
    inner = node
    for up in enclosing(node):
        if up is block:
            return inner in block.body
        inner = up
    return False


def awaited_calls(model: Model, node: ast.expr, scope: Scope, depth: int = 0) -> list[DurableCall]:
    """The durable calls that an awaited expression waits for: its own, and those of the names in it."""
    calls = model.durable_calls.get(scope, [])
    inside = set(ast.walk(node))
    found = [it for it in calls if it.node in inside]
    if found or depth > 2:
        return found
    for name in (it for it in inside if isinstance(it, ast.Name)):
        for binding in scope.bindings.get(name.id, ()):
            if binding.how in (Bound.value, Bound.each, Bound.part) and isinstance(binding.node, ast.expr):
                found += awaited_calls(model, binding.node, scope, depth + 1)
        for it in calls:
            match above(it.node):
                case ast.Call(func=ast.Attribute(value=ast.Name(id=kept), attr="append")) if kept == name.id:
                    found.append(it)
    return found


def _may_time_out_itself(model: Model, call: DurableCall) -> bool:
    """Whether the function of a call may raise a TimeoutError, which reaches the workflow as what it is."""
    if call.kind == "run":
        return True
    return any(_can_time_out(model, it) for it in _callees(model, call))


def _raises_a_timeout(model: Model, call: ast.Call, scope: Scope) -> bool:
    match model.evaluate.value(call.func, scope):
        case External(name):
            return kind_of(name) in _WAITING_KINDS
        case Function(inner):
            return _can_time_out(model, inner)
    return False


def _can_time_out(model: Model, function: Scope) -> bool:
    """Whether a function, or one that it calls, names a timeout's error or does what may end in one."""
    for scope in model.reached(function):
        named = [it for it in scope.nodes if isinstance(it, ast.Name | ast.Attribute)]
        if any(model.evaluate.external(it, scope) in _TIMED_OUT for it in named):
            return True
        names = [model.evaluate.external(call.func, scope) for call in scope.calls]
        if any(name is not None and kind_of(name) in _WAITING_KINDS for name in names):
            return True
    return False


# -- RS310 ------------------------------------------------------------------------------------------------------------


def _deaf(model: Model) -> Iterator[Finding]:
    """RS310."""
    working = {it.client.node for it in model.registrations if it.client is not None}
    for client in model.clients:
        assert client.node is not None and client.scope is not None
        if client.node in working and _hears_by_the_stream(model, client.node, client.scope):
            message = (
                "this worker hears of work by a stream that ends after 300 s, silently (SDK 0.8): "
                "after five minutes it is deaf"
            )
            hint = (
                "Give it an SSEConnection whose session has ClientTimeout(total=None), as sources=[…], "
                "and the HttpConnection as network=."
            )
            yield finding("RS310", client.node, client.scope, message, hint)


def _hears_by_the_stream(model: Model, client: ast.Call, scope: Scope) -> bool:
    """Whether a client's work comes by the SDK's own stream: made from an url, or given as it is."""
    sources = argument(client, "sources")
    if _is_given(model, sources, scope):
        assert sources is not None
        values = [model.evaluate.value(it, holder) for it, holder in model.evaluate.each(sources, scope) or ()]
        return any(isinstance(it, Thing) and _STREAM.fullmatch(it.of) for it in values)
    return _is_given(model, argument(client, "url"), scope)
