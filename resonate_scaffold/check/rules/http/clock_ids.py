"""RS414: ids of work that are made of the clock, a counter or a few random digits, and of nothing else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.outside import canonical, kind_of
from resonate_scaffold.code.routes import Route
from resonate_scaffold.code.scopes import Scope, assigned
from resonate_scaffold.code.values import Constant, External, Function, Thing

_FIXED, _OTHER = "", "?"  # what says nothing new, and what says something of its own
_CLOCK, _COUNTER, _ADDRESS, _FEW = (
    "the clock",
    "a counter of this process",
    "an address in memory",
    "a few random digits",
)
_WHY = {
    _CLOCK: "two requests at one moment get one job, and a request that is sent again gets a second",
    _COUNTER: "it begins again with each process, so a new request is answered with old work",
    _ADDRESS: "it is used again and again, so a new request is answered with old work",
    _FEW: "two requests may draw the same ones, and the second is answered with the work of the first",
}
_SAME = frozenset({"int", "str", "round", "float", "hex", "format", "abs"})
_SPELLING = frozenset({"timestamp", "isoformat", "__str__", "replace", "astimezone", "rstrip", "strip", "hex"})
_FINE = re.compile(r"%[SfsXcTM]")
_DATES = re.compile(r".*\.(today|localdate|tomorrow|yesterday)|time\.(strftime|ctime|asctime|localtime|gmtime)")
_MANY = 10**9
_FARTHEST = 5


def clock_ids(model: Model, route: Route) -> Iterator[Finding]:
    """RS414. A day, a minute that is cut out on purpose, or anything of the request makes an id a good one."""
    for start in model.starts.get(route.handler, ()):
        if start.id is None or start.kind == "schedule":
            continue
        made_of = _made_of(model, start.id, route.handler)
        if made_of in _WHY:
            message = f"{route.handler.name} names work by {made_of} alone: {_WHY[made_of]}"
            hint = "Name it by the request (an Idempotency-Key, the number of an order), or by a uuid4 that you answer."
            yield finding("RS414", start.node, route.handler, message, hint)


def _made_of(model: Model, node: ast.expr, scope: Scope, depth: int = 0) -> str:
    if depth > _FARTHEST:
        return _OTHER
    if isinstance(model.evaluate.value(node, scope), Constant):
        return _FIXED
    match node:
        case ast.Name(id=name):
            value = assigned(name, scope)
            return _made_of(model, value, scope, depth + 1) if value is not None else _OTHER
        case ast.JoinedStr(values=several) | ast.Tuple(elts=several) | ast.List(elts=several):
            return _merged(_made_of(model, it, scope, depth + 1) for it in several)
        case ast.BinOp(op=ast.FloorDiv(), left=left) if not _counts_nanoseconds(model, left, scope):
            return _OTHER  # a span of time on purpose: one job a minute
        case ast.BinOp(left=left, right=right):
            return _merged(_made_of(model, it, scope, depth + 1) for it in (left, right))
        case ast.FormattedValue(value=inner, format_spec=ast.JoinedStr(values=[ast.Constant(value=str(spec))])):
            made_of = _made_of(model, inner, scope, depth + 1)
            return _OTHER if made_of == _CLOCK and "%" in spec and not _FINE.search(spec) else made_of
        case ast.FormattedValue(value=inner):
            return _made_of(model, inner, scope, depth + 1)
        case ast.Call():
            return _called(model, node, scope, depth)
    return _OTHER


def _merged(parts: Iterator[str]) -> str:
    """What a whole is made of: nothing but one thing that varies, or else anything."""
    varying = {it for it in parts if it != _FIXED}
    return _FIXED if not varying else varying.pop() if len(varying) == 1 else _OTHER


def _called(model: Model, call: ast.Call, scope: Scope, depth: int) -> str:
    function = model.evaluate.value(call.func, scope)
    if isinstance(function, Function):
        returned = [it.value for it in function.scope.found(ast.Return) if it.value is not None]
        if len(returned) != 1 or call.args or call.keywords or model.is_machinery(function.scope.module):
            return _OTHER
        return _made_of(model, returned[0], function.scope, depth + 1)
    if isinstance(call.func, ast.Attribute):
        inner = call.func.value
        if call.func.attr in _SPELLING and isinstance(inner, ast.Call):
            return _made_of(model, inner, scope, depth + 1)
        if call.func.attr == "strftime" and isinstance(inner, ast.Call) and call.args:
            spec = model.evaluate.text(call.args[0], scope)
            return _made_of(model, inner, scope, depth + 1) if spec is not None and _FINE.search(spec) else _OTHER
    return _outside(model, call, function.name, scope, depth) if isinstance(function, External) else _OTHER


def _outside(model: Model, call: ast.Call, name: str, scope: Scope, depth: int) -> str:
    """What a call of a name outside gives."""
    known = canonical(name)
    plain = known.removeprefix("builtins.")
    if plain in _SAME and call.args:
        return _made_of(model, call.args[0], scope, depth + 1)
    if known in ("builtins.str.format", "builtins.str.join"):
        return _merged(
            _made_of(model, it, scope, depth + 1) for it in (*call.args, *(kw.value for kw in call.keywords))
        )
    if kind_of(known) == "clock":
        return _OTHER if _DATES.fullmatch(known) else _CLOCK
    if known == "builtins.id":
        return _ADDRESS
    if known == "builtins.next" and call.args:
        return _COUNTER if model.evaluate.value(call.args[0], scope) == Thing("itertools.count") else _OTHER
    if known in ("random.randint", "random.randrange"):
        numbers = [model.evaluate.number(it, scope) for it in call.args]
        return _FEW if numbers and all(it is not None and abs(it) < _MANY for it in numbers) else _OTHER
    return _OTHER


def _counts_nanoseconds(model: Model, node: ast.expr, scope: Scope) -> bool:
    name = model.evaluate.external(node.func, scope) if isinstance(node, ast.Call) else None
    return name is not None and name.endswith("_ns")
