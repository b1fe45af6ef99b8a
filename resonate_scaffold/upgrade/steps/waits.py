"""Waits at a gate, of 0.1.0: `gate.wait(ctx, key, timeout)` has no key now, since the work itself names the question.

The key goes. Where it was the job's public id, as version 0.1.0 wrote it, the question of a job that waits already is
found. Where it was another one it is not, and that is told.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

Files = Mapping[PurePosixPath, bytes]

_PUBLIC = re.compile(r"(ids\.)?public_of\((\w+)\.info\.(id|origin_id)\)")


def without_keys(files: Files, untouched: Files, package: str) -> tuple[dict[PurePosixPath, bytes], list[str]]:
    """Take the keys out of what the owner wrote or edited; with it, which jobs cannot be answered any more, and why.

    Args:
        files: the service as merged.
        untouched: what the new version makes: a file that is the same there has no such wait.
    """
    changed, told = dict(files), list[str]()
    for path, content in files.items():
        if (
            path.suffix != ".py"
            or path.parts[0] != package
            or untouched.get(path) == content
            or b".wait(" not in content
        ):
            continue
        try:
            text = content.decode()
            tree = ast.parse(text)
        except (ValueError, SyntaxError):
            continue  # It has markers of a conflict.
        waits = list(_waits(tree))
        for gate, key, line in waits:
            if not _is_public_id(key, tree):
                told.append(
                    f"{path}:{line}: a job that waits at gate {gate} under the key {ast.unparse(key)} cannot be "
                    "answered after the upgrade, since questions are named by their job now. Let such jobs end before."
                )
        if waits:
            changed[path] = _without(text, tree, [key for _, key, _ in waits]).encode()
    return changed, told


def _waits(tree: ast.Module) -> Iterator[tuple[str, ast.expr, int]]:
    """The gate, the key and the line of each wait that has a key."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.AsyncFunctionDef) or not function.args.args:
            continue
        context = function.args.args[0].arg
        for node in ast.walk(function):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=gate, attr="wait"), args=[ast.Name(id=name), key, _], keywords=[]
                ) if name == context:
                    yield ast.unparse(gate), key, node.lineno


def _is_public_id(key: ast.expr, tree: ast.Module) -> bool:
    """Whether a key is the public id of the job, by itself or by a name that is given nothing else."""
    if _PUBLIC.fullmatch(ast.unparse(key)):
        return True
    given = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and [ast.unparse(it) for it in node.targets] == [ast.unparse(key)]
    ]
    return bool(given) and all(_PUBLIC.fullmatch(ast.unparse(value)) for value in given)


def _without(text: str, tree: ast.Module, keys: list[ast.expr]) -> str:
    """The text without these arguments, and without the imports that they alone have used."""
    lines = text.encode().splitlines(keepends=True)
    for key in sorted(keys, key=lambda key: (key.lineno, key.col_offset), reverse=True):
        first, last = key.lineno - 1, (key.end_lineno or key.lineno) - 1
        rest = lines[last][key.end_col_offset :]
        after = re.match(rb"\s*,\s*", rest)
        if after is None:  # Its comma is on a later line, behind a comment: it stays, and types tell of it.
            continue
        left = lines[first][: key.col_offset] + rest[after.end() :]
        lines[first : last + 1] = [left] if left.strip() else []
    made = b"".join(lines).decode()
    used = {name.id for key in keys for name in ast.walk(key) if isinstance(name, ast.Name)}
    return _without_imports(made, used - {node.id for node in ast.walk(ast.parse(made)) if isinstance(node, ast.Name)})


def _without_imports(text: str, names: set[str]) -> str:
    lines = text.splitlines(keepends=True)
    for node in reversed(ast.parse(text).body):
        if not isinstance(node, ast.ImportFrom) or not any((it.asname or it.name) in names for it in node.names):
            continue
        kept = [it for it in node.names if (it.asname or it.name) not in names]
        words = ", ".join(ast.unparse(it) for it in kept)
        statement = f"from {'.' * node.level}{node.module or ''} import {words}\n"
        lines[node.lineno - 1 : node.end_lineno] = [statement] if kept else []
    return "".join(lines)
