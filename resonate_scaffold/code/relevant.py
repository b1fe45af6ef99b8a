"""Which files of a tree have to do with Resonate. The others are not parsed.

A file matters if it imports the SDK, if it imports a file that matters for this reason, or if one of these uses it; and
in a generated service whatever it imports.
What an application only mounts is not used: `app.include_router(users.router)` in the main module of a large
application would otherwise make all of it matter. Imports are read from the text, without a syntax tree.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from resonate_scaffold.code.parse import parsed
from resonate_scaffold.code.scopes import Bound, Module, above

if TYPE_CHECKING:
    from resonate_scaffold.code.program import Program

MOUNTING = frozenset({"include_router", "mount", "register_blueprint"})
"""The methods that put one router below another."""

_MACHINERY = ("runtime", "durable", "rpc.py")
_SDK = re.compile(rb"\b(?:from|import)\b[^\n#]*\bresonate")
_STATE = b".state."
_STORED = re.compile(rb"\.state\.(\w+)[^\n=]*=(?!=)")
_IMPORT = re.compile(rb"import[ \t(*\\]")
_FROM = re.compile(rb"\bfrom[ \t]*(\.[. \t]*)?([\w.]*)[ \t]*$")
_COMMENT = re.compile(rb"#[^\n]*")
_NAME = re.compile(rb"[\w.]+")

Files = Mapping[PurePosixPath, bytes]
Graph = Mapping[PurePosixPath, Set[PurePosixPath]]


def relevant(
    program: Program, files: Files, named: Iterable[PurePosixPath]
) -> tuple[dict[PurePosixPath, Module], Graph]:
    """The modules that matter, and those that are *named* whatever is in them; with who imports each file."""
    modules = {path: parsed(path, files[path]) for path in named if path in files}
    using = {path for path, content in files.items() if b"resonate" in content and _SDK.search(content)}
    using |= set(_of_services(files))
    if not using:
        return modules, {}
    imports = {path: set(_imported(program, path, content)) for path, content in files.items()}
    importers: dict[PurePosixPath, set[PurePosixPath]] = {}
    for path, targets in imports.items():
        for target in targets:
            importers.setdefault(target, set()).add(path)
    users = _users(using, importers, files)
    waiting = sorted(users)
    done: set[PurePosixPath] = set()
    while waiting:
        path = waiting.pop()
        if path in done:
            continue
        done.add(path)
        if path not in modules:
            modules[path] = parsed(path, files[path])
        if not modules[path].is_test:  # a test is judged by what stands in it
            waiting += imports[path] - (_only_mounted(program, modules[path]) if path in users else set())
    return modules, importers


def _of_services(files: Files) -> Iterator[PurePosixPath]:
    """The files of generated services, but for their machinery."""
    services = {path.parents[2] for path in files if path.parts[-3:] == _MACHINERY}
    for path in files if services else ():
        service = next((it for it in path.parents if it in services), None)
        if service is not None and path.relative_to(service).parts[0] != _MACHINERY[0]:
            yield path


def _users(using: Set[PurePosixPath], importers: Graph, files: Files) -> set[PurePosixPath]:
    """The files that import the SDK, themselves or through another, or that read a client from `app.state`."""
    found: set[PurePosixPath] = set()
    waiting = list(using)
    reading = [path for path, content in files.items() if _STATE in content]
    while waiting:
        while waiting:
            path = waiting.pop()
            if path not in found:
                found.add(path)
                waiting += importers.get(path, ())
        stored = {name for path in reading if path in found for name in _STORED.findall(files[path])}
        if stored:
            read = re.compile(rb"\.state\.(?:%s)\b" % b"|".join(sorted(stored)))
            waiting = [path for path in reading if path not in found and read.search(files[path])]
    return found


def _imported(program: Program, path: PurePosixPath, content: bytes) -> Iterator[PurePosixPath]:
    """The files of the program that a file imports, as far as its text says."""
    directory = str(path).rpartition("/")[0]
    for match in _IMPORT.finditer(content):
        start = content.rfind(b"\n", 0, match.start()) + 1
        before = content[start : match.start()].rstrip()
        names = _names(content, match.end() - 1)
        origin = _FROM.search(before + b" ") if b"from" in before else None
        if origin is not None:
            dots, name = origin[1] or b"", origin[2].decode("utf-8", "replace")
            yield from _targets(program, directory, name, names, dots.count(b"."))
        elif not before or before.endswith((b";", b":")):
            for name in names:
                parts = name.split(".")
                for end in range(1, len(parts) + 1):  # each package on the way is imported, too
                    yield from _targets(program, directory, ".".join(parts[:end]), (), 0)


def _names(content: bytes, start: int) -> list[str]:
    """The names after the word `import`: to the end of the line, or of the brackets. Aliases are among them."""
    end = content.find(b"\n", start)
    while end > 0 and content[end - 1 : end] == b"\\":
        end = content.find(b"\n", end + 1)
    text = content[start : end if end >= 0 else len(content)]
    if text.lstrip().startswith(b"("):
        end = content.find(b")", start)
        text = content[start : end if end >= 0 else len(content)]
    return [name.decode("utf-8", "replace") for name in _NAME.findall(_COMMENT.sub(b"", text))]


def _targets(
    program: Program, directory: str, name: str, members: Iterable[str], level: int
) -> Iterator[PurePosixPath]:
    """The files that one import means: the module, and modules of the package that are imported from it by name."""
    found = program.resolve(directory, name, level)
    if found is None:
        return
    if program.is_file(found):
        yield found
        if found.name != "__init__.py":
            return
        package = str(found).rpartition("/")[0]
    else:
        package = str(found)
    for member in members:
        below = program.below(package, member)
        if below is not None and program.is_file(below):
            yield below


def _only_mounted(program: Program, module: Module) -> set[PurePosixPath]:
    """The files that a module imports for nothing but to mount their routers."""
    loads: dict[str, list[ast.Name]] = {}
    for scope in module.scopes:
        for node in scope.nodes:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                loads.setdefault(node.id, []).append(node)
    mounted: set[PurePosixPath] = set()
    used: set[PurePosixPath] = set()
    for scope in module.scopes:
        for name, bindings in scope.bindings.items():
            read = loads.get(name, [])
            only = bool(read) and all(map(_is_mounted, read))
            for it in bindings:
                if it.how is Bound.imported:
                    members = [it.member] if it.member else []
                    targets = _targets(program, module.directory, it.module, members, it.level)
                    (mounted if only else used).update(targets)
    return mounted - used


def _is_mounted(name: ast.Name) -> bool:
    """Whether a name, or an attribute of it, is given to what mounts a router: alone, or in a loop over some."""
    node: ast.AST = name
    up = above(node)
    while isinstance(up, ast.Attribute):
        node, up = up, above(up)
    if isinstance(up, ast.Tuple | ast.List):
        loop = above(up)
        return isinstance(loop, ast.For) and loop.iter is up and any(_mounts(it) for it in ast.walk(loop))
    if isinstance(up, ast.keyword):
        up = above(up)
    return up is not None and _mounts(up) and node is not getattr(up, "func", None)


def _mounts(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MOUNTING
