"""What is left of a file when its layout does not count: the same before and after a formatter, at any width."""

from __future__ import annotations

import ast
import hashlib
import inspect
import io
import tokenize
from pathlib import PurePosixPath
from typing import Any

_NOT_WRITTEN = frozenset({"ctx", "kind", "type_comment"})


def form(path: PurePosixPath, content: bytes) -> str:
    """The hash that an ``add`` records of a file that it makes: of Python that of its syntax and its comments.

    It depends on no version of Python: what one version has and another has not is left out where it is empty.
    """
    return hashlib.sha256(_written(path, content)).hexdigest()


def is_same(path: PurePosixPath, one: bytes, other: bytes) -> bool:
    """Whether two contents of a file differ in their layout at most."""
    return one == other or _written(path, one) == _written(path, other)


def _written(path: PurePosixPath, content: bytes) -> bytes:
    if path.suffix != ".py":
        return content
    try:
        tokens = tokenize.tokenize(io.BytesIO(content).readline)
        comments = [token.string.rstrip() for token in tokens if token.type == tokenize.COMMENT]
        return repr((_plain(ast.parse(content)), comments)).encode(errors="backslashreplace")
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return content


def _plain(value: Any) -> Any:
    """A syntax tree as tuples, without positions and what is empty. Of a docstring its indent does not count."""
    if isinstance(value, list):
        return tuple(map(_plain, value))
    if isinstance(value, ast.Constant):
        return "Constant", type(value.value).__name__, repr(value.value)
    if not isinstance(value, ast.AST):
        return value
    fields = {name: getattr(value, name, None) for name in value._fields if name not in _NOT_WRITTEN}
    match value:
        case ast.Module() | ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
            match value.body:
                case [ast.Expr(value=ast.Constant(value=str(text))), *rest]:
                    fields["body"] = [ast.Constant(inspect.cleandoc(text)), *rest]
    found = ((name, _plain(field)) for name, field in fields.items())
    return type(value).__name__, *((name, it) for name, it in found if it not in (None, ()))
