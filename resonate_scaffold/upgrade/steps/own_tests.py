"""Tests of 0.1.0's form: what `tests/conftest.py` had is in `runtime/testing/`, under other names.

A gate is answered under the whole id of the work, and was under the key that the workflow gave it: its public id.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from itertools import accumulate
from pathlib import PurePosixPath

Files = Mapping[PurePosixPath, bytes]

_RUNNING = "runtime.testing.running"
_MOVED = {
    "conftest": {
        "Service": (_RUNNING, "RunningService"),
        "Start": (_RUNNING, "StartService"),
        "Call": (_RUNNING, "CallFunction"),
        "on_a_port": (_RUNNING, "serve_on_port"),
        "PATIENCE": (_RUNNING, "TIMEOUT"),
        "SECRET": (_RUNNING, "SECRET"),
        "problem": (_RUNNING, "problem"),
    },
    "crashes": {"Crashes": ("runtime.testing.crashes", "Crashes")},
}
_FIXTURES = {"start": "start_service"}
_OF_A_SERVICE = {"eventually": "poll_until", "engine": "client"}


def follow(files: Files, untouched: Files, package: str) -> tuple[dict[PurePosixPath, bytes], list[str]]:
    """Bring tests that the owner wrote or edited to the new names; with it, what is left to do by hand.

    Args:
        files: the service as merged.
        untouched: what the new version makes: a file that is the same there needs nothing, nor does a call.
    """
    changed, told = dict(files), list[str]()
    for path, content in files.items():
        if path.suffix != ".py" or path.parts[0] != "tests" or untouched.get(path) == content:
            continue
        try:
            found = _Tests(path, content.decode(), untouched, package)
        except (ValueError, SyntaxError):
            continue  # It has markers of a conflict.
        changed[path] = found.followed()
        told += found.told
    return changed, told


class _Tests:
    """Finds in one module of tests what is called otherwise now."""

    def __init__(self, path: PurePosixPath, text: str, untouched: Files, package: str) -> None:
        self._path, self._untouched, self._package = path, untouched, package
        self._text = text.encode()
        self._tree = ast.parse(text)
        self._starts = [0, *accumulate(map(len, re.split(rb"(?<=\n)", self._text)))]
        self._cuts: list[tuple[int, int, str]] = []
        self.told: list[str] = []

    def followed(self) -> bytes:
        """The module with the new names."""
        renamed = dict(self._renamed())
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Name) and node.id in renamed:
                self._put(node, renamed[node.id])
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self._follow_function(node)
        text = self._text
        for start, end, new in sorted(set(self._cuts), reverse=True):
            text = text[:start] + new.encode() + text[end:]
        return text

    def _renamed(self) -> Iterator[tuple[str, str]]:
        """The names that have others now; their imports are written anew."""
        for node in ast.walk(self._tree):
            module = self._module(node)
            if not isinstance(node, ast.ImportFrom) or module is None:
                continue
            lines, stays = dict[str, list[str]](), list[str]()
            for it in node.names:
                target, name = _MOVED[module].get(it.name, ("", ""))
                if target:
                    lines.setdefault(target, []).append(name + (f" as {it.asname}" if it.asname else ""))
                    if it.asname is None:
                        yield it.name, name
                else:
                    stays.append(ast.unparse(it))
            if lines:
                new = [f"from {self._package}.{target} import {', '.join(names)}" for target, names in lines.items()]
                kept = f"from {'.' * node.level}{node.module or ''} import {', '.join(stays)}"
                self._put(node, f"\n{' ' * node.col_offset}".join([*new, *([kept] if stays else [])]))

    def _module(self, node: ast.AST) -> str | None:
        """Which of the two modules an import is from."""
        if not isinstance(node, ast.ImportFrom) or node.module is None:
            return None
        name = node.module if node.level == 1 and len(self._path.parts) == 2 else node.module.removeprefix("tests.")
        return name if name in _MOVED and (node.level == 1) != node.module.startswith("tests.") else None

    def _follow_function(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        arguments = {it.arg: it for it in [*function.args.args, *function.args.kwonlyargs]}
        services = {name for name, it in arguments.items() if _is_named(it.annotation, "Service", "RunningService")}
        starts = {name for name, it in arguments.items() if _is_named(it.annotation, "Start", "StartService")}
        for node in ast.walk(function):
            match node:
                case ast.withitem(context_expr=ast.Call(func=ast.Name(id=start)), optional_vars=ast.Name(id=name)):
                    services |= {name} if start in starts else set()
        for node in ast.walk(function):
            match node:
                case ast.arg(arg=name) | ast.Name(id=name) if name in _FIXTURES and name in starts:
                    self._put_name(node, name, _FIXTURES[name])
                case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in services:
                    if attribute in _OF_A_SERVICE:
                        self._cut(self._end(node) - len(attribute), self._end(node), _OF_A_SERVICE[attribute])
                case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="answer"), args=[gate, key, _]):
                    if name in services and not self._is_new(node):
                        self._follow_answer(function, gate, key)

    def _follow_answer(self, function: ast.FunctionDef | ast.AsyncFunctionDef, gate: ast.expr, key: ast.expr) -> None:
        """`service.answer(gate, key, …)`: the key is the whole id of the work."""
        runs = {
            node.args[1].value
            for node in ast.walk(function)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "run"
            and len(node.args) > 1
            and isinstance(node.args[1], ast.Constant)
        }
        match key:
            case ast.Constant(value=str(text)) if "/" in text:
                return
            case ast.Call(func=ast.Name(id="root_id")):
                return
            case ast.Constant(value=str(text)):
                whole = [run for run in runs if isinstance(run, str) and run.partition("/")[2] == text]
                if len(whole) == 1:
                    self._put(key, f'"{whole[0]}"')
                    return
        kind = self._kind()
        if kind is None:
            self.told.append(
                f"{self._path}: the answer at gate {ast.unparse(gate)} names the work by its public id "
                f"{ast.unparse(key)}, and is to name it by its whole id now: root_id(KIND, …)"
            )
            return
        path, polled = self._constant("PATH"), self._constant("POLLED")
        for node in ast.walk(key):
            if isinstance(node, ast.Constant) and polled and node.value == f"{path}/" and path != polled:
                self._put(node, 'f"{POLLED}/"')
        self._cut(self._at(key.lineno, key.col_offset), self._at(key.lineno, key.col_offset), f'root_id("{kind}", ')
        self._cut(self._end(key), self._end(key), ")")
        self._import_root_id()

    def _kind(self) -> str | None:
        """What the ids of the work begin with that the route of this module starts."""
        path = self._constant("PATH")
        if path is None:
            return None
        kinds = set[str]()
        for at, content in self._untouched.items():
            if at.parent == PurePosixPath(self._package, "api") and at.suffix == ".py":
                text = content.decode()
                if re.search(rf'@router\.(post|put|patch|delete)\(\s*"{re.escape(path)}"', text):
                    kinds |= set(re.findall(r'root_id\(\s*"([^"]+)", caller\.visible', text))
        return kinds.pop() if len(kinds) == 1 else None

    def _constant(self, name: str) -> str | None:
        """The value of a constant of this module: the new version's, where it has one."""
        for content in (self._untouched.get(self._path, b""), self._text):
            found = re.search(rf'(?m)^{name} = "([^"\\{{}}]+)"$', content.decode())
            if found:
                return found[1]
        return None

    def _import_root_id(self) -> None:
        imports = [node for node in self._tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        known = {it.asname or it.name for node in imports for it in node.names}
        if imports and "root_id" not in known:
            at = self._end(imports[-1])
            self._cut(at, at, f"\nfrom {self._package}.runtime.durable.ids import root_id")

    def _is_new(self, call: ast.Call) -> bool:
        """Whether the new version makes this call, here."""
        try:
            made = ast.parse(self._untouched.get(self._path, b"").decode())
        except (ValueError, SyntaxError):
            return False
        return any(isinstance(node, ast.Call) and ast.dump(node) == ast.dump(call) for node in ast.walk(made))

    def _put(self, node: ast.stmt | ast.expr, text: str) -> None:
        self._cut(self._at(node.lineno, node.col_offset), self._end(node), text)

    def _put_name(self, node: ast.arg | ast.Name, name: str, new: str) -> None:
        start = self._at(node.lineno, node.col_offset)
        self._cut(start, start + len(name.encode()), new)

    def _cut(self, start: int, end: int, text: str) -> None:
        self._cuts.append((start, end, text))

    def _at(self, line: int, column: int) -> int:
        return self._starts[line - 1] + column

    def _end(self, node: ast.stmt | ast.expr) -> int:
        return self._at(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)


def _is_named(annotation: ast.expr | None, *names: str) -> bool:
    return isinstance(annotation, ast.Name) and annotation.id in names
