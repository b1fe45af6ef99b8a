"""RS211: `hash` and `id`, which give another number in each process."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.check.flow import only_logged, whose
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.scopes import Scope, above, assigned
from resonate_scaffold.code.values import Collection, Constant, Text, Thing, Value

_OF_ADDRESSES = "builtins.id"
_HASHES = frozenset({"builtins.hash", "builtins.str.__hash__"})
_NUMBERS = re.compile(r"builtins\.(int|float|bool|complex)|decimal\.Decimal(\.\w+)?|fractions\.Fraction")
_HELPERS = frozenset({"__hash__", "__eq__"})
# Where only equality counts, and only in this run: keys of a dictionary, members of a set.
_KEYED = frozenset({"add", "discard", "remove", "get", "setdefault", "pop"})
_HINT = "Use what is the same everywhere: zlib.crc32(text.encode()), hashlib.sha256(…), or the key itself."


def hashes(model: Model) -> Iterator[Finding]:
    """RS211. It is silent where what is hashed may be a number, whose hash is the same everywhere."""
    for scope, workflow in model.workflow_code.items():
        if scope.name in _HELPERS:
            continue
        for call in scope.calls:
            name = model.evaluate.external(call.func, scope)
            if name != _OF_ADDRESSES and not (name in _HASHES and _is_salted(model, call, scope)):
                continue
            if not _only_compared(call, scope) and not only_logged(model, call, scope):
                shown = "id()" if name == _OF_ADDRESSES else "hash()"
                why = "another process gives another number, so a replay goes another way"
                yield finding("RS211", call, scope, f"{whose(scope, workflow)} depends on {shown}: {why}", _HINT)


def _is_salted(model: Model, call: ast.Call, scope: Scope) -> bool:
    """Whether what is hashed is known, and its hash holds text: Python salts that anew in each process."""
    if not call.args:
        return isinstance(call.func, ast.Attribute)  # "text".__hash__()
    return _holds_text(model.evaluate.value(call.args[0], scope), model)


def _holds_text(value: Value | None, model: Model) -> bool:
    match value:
        case Constant(known):
            return isinstance(known, str | bytes)
        case Text():
            return True
        case Collection("tuple", ast.Tuple(elts=items), Scope() as holder):
            return any(_holds_text(model.evaluate.value(it, holder), model) for it in items)
        case Thing(of):
            return of in ("builtins.str", "builtins.bytes") or of.startswith(("datetime.", "pathlib."))
    return False


def _only_compared(node: ast.AST, scope: Scope, depth: int = 0) -> bool:
    """Whether a number is only looked up, or compared with others of the same run."""
    match above(node):
        case (
            ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq() | ast.In() | ast.NotIn() | ast.Is() | ast.IsNot()]) as it
        ):
            return all(_is_made_here(side) or side is node or _is_plain(side) for side in (left, *it.comparators))
        case ast.Subscript(slice=key):
            return key is node
        case ast.Call(func=ast.Attribute(attr=method), args=[first, *_]):
            return method in _KEYED and first is node
        case ast.Assign(targets=[ast.Name(id=name)]) if depth < 2:
            reads = [it for it in scope.found(ast.Name) if it.id == name and isinstance(it.ctx, ast.Load)]
            return (
                assigned(name, scope) is not None
                and bool(reads)
                and all(_only_compared(it, scope, depth + 1) for it in reads)
            )
    return False


def _is_made_here(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("hash", "id")


def _is_plain(node: ast.expr) -> bool:
    return isinstance(node, ast.Name | ast.Attribute)
