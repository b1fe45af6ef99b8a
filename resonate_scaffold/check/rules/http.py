"""RS4xx: routes start or await durable work, and say so honestly."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from http import HTTPStatus

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.check.flow import only_logged
from resonate_scaffold.check.rules.access import Access
from resonate_scaffold.check.rules.request import Asked, is_within
from resonate_scaffold.code.facts import Start
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.outside import kind_of
from resonate_scaffold.code.routes import Route
from resonate_scaffold.code.scopes import Bound, Scope, above, enclosing
from resonate_scaffold.code.values import (
    Client,
    Collection,
    Constant,
    Context,
    External,
    Function,
    Future,
    Instance,
    Method,
    Text,
    Thing,
)

_SETTLES = frozenset({"promises.resolve", "promises.reject", "promises.cancel"})
_HANDLES = frozenset({"resonate.handle.ResonateHandle", "resonate.ResonateHandle"})
_BOUNDS = frozenset(
    {"asyncio.timeout", "asyncio.timeout_at", "anyio.fail_after", "anyio.move_on_after", "async_timeout.timeout"}
)
_WAITERS = frozenset({"asyncio.wait_for", "asyncio.wait"})
_TASKS = frozenset({"create_task", "ensure_future", "start_soon", "add_task", "spawn"})
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
_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_JSON_RESPONSES = re.compile(
    r"(fastapi|starlette)\.responses\.(JSONResponse|ORJSONResponse|UJSONResponse|PlainTextResponse|Response)"
    r"|(fastapi|starlette)\.Response|flask\.jsonify|quart\.jsonify"
)
_SAYS_NO_ID = frozenset({"created_at", "done", "settled_at", "state", "tags", "timeout_at"})
_STATUS = re.compile(r"(?:fastapi|starlette)\.status\.HTTP_(\d{3})_\w+")


def http(model: Model) -> Iterator[Finding]:
    """Routes of a program that uses Resonate."""
    if not model.program_uses_resonate:
        return
    access = Access(model)
    for route in model.routes:
        scopes = model.reached(route.handler, 3)
        starts = [it for scope in scopes for it in model.starts.get(scope, ()) if it.kind != "schedule"]
        yield from _work(model, route, starts)
        yield from _contexts(model, route)
        yield from _waits(model, route)
        yield from _status(model, route, scopes, starts)
        yield from _settling(model, route, scopes, access)
        yield from _random_ids(model, route.handler)
        yield from _unconfirmed(model, route, starts)
        yield from _stale(model, route, scopes)
    yield from _colons(model)
    yield from _searches(model)


# -- RS401 and RS402: what only a worker does --------------------------------------------------------------------------


def _work(model: Model, route: Route, starts: list[Start]) -> Iterator[Finding]:
    handler = route.handler
    for call, callee in model.plain_calls.get(handler, ()):
        if _needs_a_context(model, callee) and not _hands_a_context(model, call, handler):
            message = f"{handler.name} calls {callee.name} itself: what a durable function does here is not durable"
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


def _contexts(model: Model, route: Route) -> Iterator[Finding]:
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


# -- RS403: waiting ----------------------------------------------------------------------------------------------------


def _waits(model: Model, route: Route) -> Iterator[Finding]:
    for scope in _waited_for(model, route):
        if _asks_first(scope):
            continue
        for call in _calls_of_handles(model, "result", scope):
            if _waits_forever(model, call, scope):
                message = f"{route.handler.name} waits for a result as long as it takes: the client hangs on it"
                hint = "Bound it (asyncio.timeout), and answer 202 with an id when it is not done by then."
                yield finding("RS403", call, scope, message, hint)


def _asks_first(scope: Scope) -> bool:
    """Whether a function asks whether all is done, to await what is there already: `record.state`, `handle.done()`."""
    for node in scope.found(ast.Attribute):
        up = above(node)
        if (node.attr == "state" and isinstance(up, ast.Compare)) or (node.attr == "done" and isinstance(up, ast.Call)):
            return True
    return False


def _calls_of_handles(model: Model, method: str, scope: Scope) -> Iterator[ast.Call]:
    for call in scope.calls:
        function = call.func
        if isinstance(function, ast.Attribute) and function.attr == method and _is_handle(model, function.value, scope):
            yield call


def _waited_for(model: Model, route: Route) -> list[Scope]:
    """The code that an answer waits for, without a bound on the way to it."""
    if any("timeout" in ast.unparse(it).lower() for it in route.handler.decorators if it is not route.node):
        return []
    found, waiting = [route.handler], [(route.handler, 0)]
    while waiting:
        scope, depth = waiting.pop()
        for call, callee in model.plain_calls.get(scope, ()):
            if depth == 3 or callee in found or _is_stream(callee) or _is_task(call) or _is_bounded(model, call, scope):
                continue
            found.append(callee)
            waiting.append((callee, depth + 1))
    return found


def _is_stream(scope: Scope) -> bool:
    """Whether a function yields: a stream of events takes as long as it takes."""
    return any(isinstance(it, ast.Yield | ast.YieldFrom) for it in scope.nodes)


def _is_task(node: ast.AST) -> bool:
    """Whether something runs beside: it is given to `create_task` or its like."""
    up = above(node)
    if not isinstance(up, ast.Call) or up.func is node:
        return False
    name = up.func.attr if isinstance(up.func, ast.Attribute) else getattr(up.func, "id", "")
    return name in _TASKS


def _is_handle(model: Model, node: ast.expr, scope: Scope) -> bool:
    value = model.evaluate.value(node, scope)
    if isinstance(value, Thing):
        return value.of in _HANDLES
    return isinstance(value, Future) and isinstance(value.method, Method) and isinstance(value.method.of, Client)


def _waits_forever(model: Model, node: ast.expr, scope: Scope, depth: int = 0) -> bool:
    """Whether an awaitable is awaited, at once, in a `gather`, or by its name, and each time without a bound."""
    if _is_bounded(model, node, scope):
        return False
    up: ast.AST | None = above(node)
    below: ast.AST = node
    while isinstance(up, ast.Call | ast.Starred | ast.comprehension | ast.List | ast.ListComp | ast.GeneratorExp):
        if isinstance(up, ast.Call):
            name = model.evaluate.external(up.func, scope) or ""
            if up.func is below or name not in (
                "asyncio.gather",
                "asyncio.shield",
                *(f"asyncio.{it}" for it in _TASKS),
            ):
                return False
        below, up = up, above(up)
    if isinstance(up, ast.Await):
        return True
    if isinstance(up, ast.Assign) and len(up.targets) == 1 and isinstance(up.targets[0], ast.Name) and depth == 0:
        uses = _loads(up.targets[0].id, scope)
        return bool(uses) and all(_waits_forever(model, it, scope, 1) for it in uses)
    return False


def _loads(name: str, scope: Scope) -> list[ast.Name]:
    """Where a name is read, in a function or in what stands in it."""
    return [
        it
        for holder in (scope, *scope.inner)
        for it in holder.found(ast.Name)
        if it.id == name and isinstance(it.ctx, ast.Load)
    ]


def _is_bounded(model: Model, node: ast.AST, scope: Scope) -> bool:
    """Whether a node stands in a `timeout`, or is given to one that waits only so long."""
    for up in enclosing(node):
        if isinstance(up, ast.Call) and model.evaluate.external(up.func, scope) in _WAITERS:
            place = 1 if ast.unparse(up.func).endswith("wait_for") else None
            return model.evaluate.value(argument(up, "timeout", place), scope) != Constant(None)
        if isinstance(up, ast.With | ast.AsyncWith) and any(_bounds(model, it.context_expr, scope) for it in up.items):
            return True
    return False


def _bounds(model: Model, node: ast.expr, scope: Scope) -> bool:
    """Whether what is entered is a timeout, or an own context manager around one."""
    if not isinstance(node, ast.Call):
        return False
    function = model.evaluate.value(node.func, scope)
    if isinstance(function, External):
        return function.name in _BOUNDS
    if isinstance(function, Function):
        return any(model.evaluate.external(it.func, function.scope) in _BOUNDS for it in function.scope.calls)
    return function is None and re.search(r"timeout|deadline|limit", ast.unparse(node.func)) is not None


# -- RS404: the status -------------------------------------------------------------------------------------------------


def _status(model: Model, route: Route, scopes: list[Scope], starts: list[Start]) -> Iterator[Finding]:
    if not starts or not _CHANGING & set(route.methods):
        return
    handler = route.handler
    given = argument(route.node, "status_code")
    if given is not None and _number_of(model, given, route.scope) != 200:
        return
    if any(it.arg is None for it in route.node.keywords) or argument(route.node, "response_class") is not None:
        return
    if any(
        _gets_an_end(model, call, scope) or _sets_a_status(model, call, scope)
        for scope in scopes
        for call in scope.calls
    ):
        return
    if any(_is_status_kept(it) for scope in scopes for it in scope.found(ast.Attribute)):
        return
    answers = [it.value for it in handler.found(ast.Return)]
    if not all(_is_plain(model, it, handler, route) for it in answers):
        return
    message = f"{handler.name} starts work and answers 200 before it is done: clients take it for the result"
    hint = "Answer 202 with the id, and a Location to poll (status_code=202)."
    yield finding("RS404", handler.node, handler, message, hint)


def _number_of(model: Model, node: ast.expr, scope: Scope) -> int | None:
    """The number of a status, also of `status.HTTP_202_ACCEPTED` and `HTTPStatus.ACCEPTED`."""
    number = model.evaluate.number(node, scope)
    if number is not None:
        return number
    name = model.evaluate.external(node, scope) or ""
    match = _STATUS.fullmatch(name)
    if match:
        return int(match[1])
    member = name.removeprefix("http.HTTPStatus.").removesuffix(".value")
    return HTTPStatus[member].value if member in HTTPStatus.__members__ else None


def _gets_an_end(model: Model, call: ast.Call, scope: Scope) -> bool:
    """Whether a call waits for the end of what was started, by its name or in a loop that asks for it."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name == "result":
        return True
    function = model.evaluate.value(call.func, scope)
    if isinstance(function, Method) and function.name == "promises.get":
        return any(isinstance(it, ast.While | ast.For | ast.AsyncFor) for it in enclosing(call))
    if isinstance(function, External):
        return False
    given = (*call.args, *(it.value for it in call.keywords))
    if function is None and any(_is_handle(model, it, scope) for it in given):
        return True
    return "wait" in name


def _sets_a_status(model: Model, call: ast.Call, scope: Scope) -> bool:
    """Whether a helper that cannot be read gets the response, to set what it likes."""
    if isinstance(model.evaluate.value(call.func, scope), Function | External):
        return False
    values = (model.evaluate.value(it, scope) for it in (*call.args, *(keyword.value for keyword in call.keywords)))
    return any(isinstance(it, Thing) and it.of.endswith(".Response") for it in values)


def _is_status_kept(node: ast.Attribute) -> bool:
    """Whether this sets the status of an answer."""
    if node.attr == "status" and isinstance(up := above(node), ast.Assign):
        # Many things have a status; that of an answer starts with its number.
        return re.match(r"['\"]?\d|.*HTTP", ast.unparse(up.value)) is not None
    return node.attr == "status_code" and isinstance(node.ctx, ast.Store)


def _is_plain(model: Model, node: ast.expr | None, scope: Scope, route: Route, depth: int = 0) -> bool:
    """Whether an answer is sent with the status of its route, or with 200, or is an error."""
    if depth > 3:
        return False
    if node is None:
        return True
    if isinstance(node, ast.Tuple) and route.framework in ("flask", "quart"):
        return len(node.elts) > 1 and _is_no_promise(_number_of(model, node.elts[1], scope))
    if isinstance(node, ast.IfExp):
        return all(_is_plain(model, it, scope, route, depth) for it in (node.body, node.orelse))
    if isinstance(node, ast.Name):
        bound = scope.bindings.get(node.id, ())
        values = [it.node for it in bound if it.how is Bound.value and isinstance(it.node, ast.expr)]
        if len(values) == len(bound) and values:
            return all(_is_plain(model, it, scope, route, depth + 1) for it in values)
    if isinstance(node, ast.Call):
        plain = _is_plain_call(model, node, scope, route, depth)
        if plain is not None:
            return plain
    value = model.evaluate.value(node, scope)
    if isinstance(value, Instance):
        return not _is_response(model, value)
    if isinstance(value, Collection | Constant | Text):
        return True
    return value is None and route.framework == "fastapi" and _declares_data(model, route.handler)


def _is_plain_call(model: Model, node: ast.Call, scope: Scope, route: Route, depth: int) -> bool | None:
    """The same of a call: of a response's class, or of an own function that makes the answer."""
    function = model.evaluate.value(node.func, scope)
    if isinstance(function, External) and _JSON_RESPONSES.fullmatch(function.name):
        if any(it.arg is None for it in node.keywords):
            return False
        status = argument(node, "status_code", 1) or argument(node, "status")
        return status is None or _is_no_promise(_number_of(model, status, scope))
    if isinstance(function, Function):
        answers = [it.value for it in function.scope.found(ast.Return)]
        return bool(answers) and all(_is_plain(model, it, function.scope, route, depth + 1) for it in answers)
    return None


def _is_no_promise(status: int | None) -> bool:
    """Whether a status is known, and says that all is done, or that nothing is."""
    return status is not None and (status == 200 or status >= 400)


def _is_response(model: Model, value: Instance) -> bool:
    names = (model.evaluate.external(it, value.class_.outer) or "" for it in value.class_.node.bases)
    return any(it.endswith("Response") for it in names)


def _declares_data(model: Model, handler: Scope) -> bool:
    """Whether a handler's annotation says that it gives data, and no response."""
    declared = model.evaluate.annotated(handler.returns, handler.outer or handler)
    if isinstance(declared, Instance):
        return not _is_response(model, declared)
    return isinstance(declared, Collection) or declared in (Thing("builtins.str"), Thing("builtins.int"))


# -- RS405, RS406, RS407: settling from outside ------------------------------------------------------------------------


def _settling(model: Model, route: Route, scopes: list[Scope], access: Access) -> Iterator[Finding]:
    handler = route.handler
    asked = Asked(model, route)
    settles = [(call, scope) for scope in scopes for call in scope.calls if _settles(model, call, scope)]
    for call, scope in settles:
        place = _at_the_handler(model, argument(call, "id", 0), call, scope, handler)
        if place is not None and asked.chose(place[0]) and not asked.is_looked_at(*place):
            message = f"{handler.name} settles whatever promise the request names, those of other work included"
            hint = 'Make the id here, under a prefix of its own: f"approve/{job}".'
            yield finding("RS405", place[1], handler, message, hint)
        method = model.evaluate.value(call.func, scope)
        value = argument(call, "value", 1)
        if scope is handler and isinstance(method, Method) and method.name == "promises.reject" and asked.wrote(value):
            message = f"{handler.name} rejects a promise with data of the request: what awaits it may unpickle that"
            hint = "Resolve it with a typed answer, and let the workflow decide what failed."
            yield finding("RS407", call, handler, message, hint)
    if settles and not access.is_checked(route, scopes):
        message = f"{handler.name} settles a promise for whoever finds it: nothing checks who asks"
        hint = (
            "Verify a signature over the body (hmac.compare_digest), or ask for a key, before the promise is settled."
        )
        yield finding("RS406", handler.node, handler, message, hint)


def _settles(model: Model, call: ast.Call, scope: Scope) -> bool:
    method = model.evaluate.value(call.func, scope)
    if isinstance(method, Function):
        return method.scope.name == "deliver" and model.is_gate(method.owner)
    return isinstance(method, Method) and isinstance(method.of, Client) and method.name in _SETTLES


def _at_the_handler(
    model: Model, node: ast.expr | None, call: ast.Call, scope: Scope, handler: Scope
) -> tuple[ast.expr, ast.Call] | None:
    """Where a promise's id stands in the handler: in the call itself, or given to the helper that makes it."""
    if node is None or isinstance(model.evaluate.value(call.func, scope), Function):
        return None
    if scope is handler:
        return node, call
    if not isinstance(node, ast.Name) or [it.how for it in scope.bindings.get(node.id, ())] != [Bound.parameter]:
        return None
    names = [it.arg for it in scope.positional]
    for outer, callee in model.plain_calls.get(handler, ()):
        if callee is scope:
            given = argument(outer, node.id, names.index(node.id) if node.id in names else None)
            return (given, outer) if given is not None else None
    return None


# -- RS409, RS411, RS412: handles --------------------------------------------------------------------------------------


def _random_ids(model: Model, handler: Scope) -> Iterator[Finding]:
    for start in model.starts.get(handler, ()):
        if start.id is None or start.kind == "schedule" or not _is_random(model, start.id, handler):
            continue
        if not _is_carried(model, start, handler) and not _is_told(model, start.node, handler):
            message = (
                f"{handler.name} starts work under a random id that its answer does not carry: nobody can ask for it"
            )
            hint = "Answer with the id, or derive it from the request (an Idempotency-Key), so that a retry finds it."
            yield finding("RS409", start.node, handler, message, hint)


def _is_random(model: Model, node: ast.expr, scope: Scope, depth: int = 0) -> bool:
    """Whether an id has a random part, whoever asks: one that is only a default does not count."""
    if depth > 5:
        return False
    match node:
        case ast.Name(id=name):
            bound = scope.bindings.get(name, ())
            values = [it.node for it in bound if it.how is Bound.value and isinstance(it.node, ast.expr)]
            return len(bound) == 1 == len(values) and _is_random(model, values[0], scope, depth + 1)
        case ast.JoinedStr(values=several) | ast.Tuple(elts=several) | ast.List(elts=several):
            return any(_is_random(model, it, scope, depth + 1) for it in several)
        case ast.BinOp(left=left, right=right):
            return any(_is_random(model, it, scope, depth + 1) for it in (left, right))
        case ast.FormattedValue(value=inner) | ast.Attribute(value=inner) | ast.Subscript(value=inner):
            return _is_random(model, inner, scope, depth + 1)
        case ast.Call():
            return _draws(model, node, scope, depth)
    return False


def _draws(model: Model, call: ast.Call, scope: Scope, depth: int) -> bool:
    function = model.evaluate.value(call.func, scope)
    if isinstance(function, External) and kind_of(function.name) in ("uuid", "random"):
        return True
    if isinstance(function, Function):
        returned = [it.value for it in function.scope.found(ast.Return) if it.value is not None]
        if isinstance(function.scope.node, ast.Lambda):
            returned = [function.scope.node.body]
        if len(returned) == 1 and _is_random(model, returned[0], function.scope, depth + 1):
            return True
    inner = [call.func.value] if isinstance(call.func, ast.Attribute) else []
    return any(_is_random(model, it, scope, depth + 1) for it in (*inner, *call.args))


def _is_carried(model: Model, start: Start, handler: Scope) -> bool:
    """Whether what the id is made of, or goes into, is used for anything else than the start and logs."""
    assert start.id is not None
    names = {it.id for it in ast.walk(start.id) if isinstance(it, ast.Name) and _is_random(model, it, handler)}
    seen: set[str] = set()
    while names - seen:
        name = (names - seen).pop()
        seen.add(name)
        for binding in handler.bindings.get(name, ()):
            if binding.how is Bound.value:
                inner = (it for it in ast.walk(binding.node) if isinstance(it, ast.Name))
                names |= {it.id for it in inner if _is_random(model, it, handler)}
        for use in _loads(name, handler):
            if is_within(use, start.node) or only_logged(model, use, handler):
                continue
            targets = _kept_as(use)
            if not targets:
                return True
            names |= targets
    return False


def _kept_as(node: ast.AST) -> set[str]:
    """The names that an assignment binds to what a node is part of."""
    for up in enclosing(node):
        match up:
            case ast.Assign(targets=targets) if all(isinstance(it, ast.Name) for it in targets):
                return {it.id for it in targets if isinstance(it, ast.Name)}
            case ast.AugAssign(target=ast.Name(id=name)) | ast.AnnAssign(target=ast.Name(id=name)):
                return {name}
            case ast.stmt():
                return set()
    return set()


def _is_told(model: Model, node: ast.expr, handler: Scope, depth: int = 0) -> bool:
    """Whether the answer may have the id from what a start gives: from its handle, its record, or its result."""
    up: ast.AST | None = above(node)
    below: ast.AST = node
    while isinstance(up, ast.Await | ast.Attribute) or (isinstance(up, ast.Call) and up.func is below):
        if isinstance(up, ast.Attribute) and up.attr in _SAYS_NO_ID:
            return False
        below, up = up, above(up)
    if isinstance(up, ast.Expr) or only_logged(model, below, handler):
        return False
    kept = _kept_as(below) if isinstance(up, ast.stmt) else set()
    if kept and depth < 4:
        uses = (use for name in kept for use in _loads(name, handler))
        return any(_is_told(model, use, handler, depth + 1) for use in uses)
    return True


def _unconfirmed(model: Model, route: Route, starts: list[Start]) -> Iterator[Finding]:
    for start in starts:
        if start.kind in ("rpc", "run") and not _is_confirmed(model, start):
            message = (
                f"{route.handler.name} answers before the engine has taken the work: a failed create is never seen"
            )
            yield finding(
                "RS411", start.node, start.scope, message, "Await handle.id(), within a bound, before the answer."
            )


def _is_confirmed(model: Model, start: Start) -> bool:
    """Whether anything is done with the handle but asking whether it is done, or logging it."""
    up = above(start.node)
    if isinstance(up, ast.Expr) or only_logged(model, start.node, start.scope):
        return False
    kept = _kept_as(start.node) if isinstance(up, ast.stmt) else set()
    if not kept:
        return not (isinstance(up, ast.Attribute) and up.attr == "done")
    uses = [use for name in kept for use in _loads(name, start.scope)]
    return any(_is_used(use) and not only_logged(model, use, start.scope) for use in uses)


def _is_used(use: ast.Name) -> bool:
    up = above(use)
    return not isinstance(up, ast.Attribute) or up.attr != "done"


def _stale(model: Model, route: Route, scopes: list[Scope]) -> Iterator[Finding]:
    for scope in scopes:
        for call in _calls_of_handles(model, "done", scope):
            message = f"{route.handler.name} asks a handle whether it is done: that is what it heard up to 60 s ago"
            yield finding("RS412", call, scope, message, "Ask the engine: (await client.promises.get(id)).state.")


# -- RS408 and RS410: ids and searches, wherever they are --------------------------------------------------------------


def _colons(model: Model) -> Iterator[Finding]:
    for scope, starts in model.starts.items():
        for start in starts:
            if start.kind == "contract":
                continue  # a function of the program's own makes the root of it
            parts = model.evaluate.parts(start.id, scope) if start.id is not None else None
            if parts and any(part is not None and ":" in part for part in parts):
                message = "a root id may not hold a colon: it separates children, and the engine refuses it"
                yield finding("RS408", start.node, scope, message, "Use a slash: job/42.")


def _searches(model: Model) -> Iterator[Finding]:
    for scope in model.scopes:
        for call in scope.calls:
            method = model.evaluate.value(call.func, scope)
            if isinstance(method, Method) and isinstance(method.of, Client) and method.name == "promises.search":
                message = "promises.search is not there on the in-process engine (400) nor on Postgres (501)"
                hint = "Keep the ids where you can ask for them: in your database."
                yield finding("RS410", call, scope, message, hint)
