"""Put what a release moved at its new place in the older trees, so that a merge compares like with like.

Git follows a file that was renamed and changed little. It does not follow one that was rewritten, or a module whose
definitions became modules of their own. Here both the base and the user's tree get the new places, definition by
definition, and what the user wrote there goes along.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from resonate_scaffold.upgrade.imports import Imported, Statement, names_of
from resonate_scaffold.upgrade.repository import Tree


@dataclass(frozen=True, slots=True)
class Renamed:
    """Files that have another path. ``old`` is a regular expression of a whole path, ``new`` what takes its place."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Split:
    """Modules whose definitions are in several now: ``old`` as in :class:`Renamed`, ``new`` the directory of them."""

    old: str
    new: str


Move = Renamed | Split


@dataclass(frozen=True, slots=True)
class _Part:
    """A definition with the comments above it, or what is between definitions."""

    name: str | None
    text: str


def align(base: Tree, ours: Tree, theirs: Tree, moves: Sequence[Move]) -> tuple[Tree, Tree]:
    """The base and the user's tree, with what was moved at its new place.

    What a module holds beside definitions that moved stays at its old path, and only if the user has changed it: then
    it shows in the merge.
    """
    old, own = dict(base.files), dict(ours.files)
    for move in moves:
        for path in sorted(old):
            match = re.fullmatch(move.old, str(path))
            if match is None or path in theirs.files:
                continue
            target = PurePosixPath(match.expand(move.new))
            if isinstance(move, Renamed):
                _rename(old, own, theirs.files, path, target)
            else:
                _split(old, own, theirs.files, path, target)
    renamed = {path for path in old if path not in base.files}
    return Tree(old, base.executable | renamed & theirs.executable), Tree(
        own, ours.executable | renamed & theirs.executable
    )


def _rename(
    old: dict[PurePosixPath, bytes],
    own: dict[PurePosixPath, bytes],
    new: Mapping[PurePosixPath, bytes],
    path: PurePosixPath,
    target: PurePosixPath,
) -> None:
    if target in new and target not in old and target not in own:
        for files in (old, own):
            if path in files:
                files[target] = _reached(files.pop(path), len(path.parts) - len(target.parts))


def _reached(content: bytes, higher: int) -> bytes:
    """A module that is so many directories higher than it was, whose relative imports name what they did.

    What stood beside it came along.
    """
    try:
        text = content.decode()
        tree = ast.parse(text)
    except (ValueError, SyntaxError):
        return content
    lines = text.splitlines(keepends=True)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level > 1:
            dots = "." * max(1, node.level - higher)
            lines[node.lineno - 1] = re.sub(r"\bfrom\s+\.+", f"from {dots}", lines[node.lineno - 1], count=1)
    return "".join(lines).encode()


def _split(
    old: dict[PurePosixPath, bytes],
    own: dict[PurePosixPath, bytes],
    new: Mapping[PurePosixPath, bytes],
    path: PurePosixPath,
    directory: PurePosixPath,
) -> None:
    before, now = _parts(old[path]), _parts(own[path]) if path in own else None
    if before is None or (path in own and now is None):
        return  # It cannot be read as Python: it stays, and is told as a conflict.
    places = _places(new, directory)
    content, edited = old.pop(path), own.pop(path, b"")
    added = _imported(edited).items() - _imported(content).items()
    carried = set[tuple[str, Imported]]()
    for target, names in places.items():
        if target in old or target in own:
            continue
        if found := _joined(before, names):
            old[target] = found.encode()
            if now is not None and (mine := _joined(now, names)):
                read = names_of(ast.parse(mine))
                needed = {it for it in added if read.reads(it[0])}
                carried |= needed
                deeper = "." * (len(directory.parts) - len(path.parent.parts))
                own[target] = "".join([*sorted(_line(it, deeper) for _, it in needed), mine]).encode()
    moved = {name for names in places.values() for name in names}
    is_same = _rest(_without_imports(content), moved) == _rest(_without_imports(edited), moved)
    if now is not None and not (is_same and added == carried):
        old[path], own[path] = _rest(content, moved), _rest(edited, moved)


def _places(files: Mapping[PurePosixPath, bytes], directory: PurePosixPath) -> dict[PurePosixPath, list[str]]:
    """The names that each module of a directory defines, in their order."""
    found = {}
    for path, content in files.items():
        if path.parent == directory and path.suffix == ".py" and (parts := _parts(content)):
            found[path] = [part.name for part in parts if part.name is not None]
    return found


def _parts(content: bytes) -> list[_Part] | None:
    """A module in parts that make it up; None where it is no Python."""
    try:
        text = content.decode()
        tree = ast.parse(text)
    except (ValueError, SyntaxError):
        return None
    lines = text.splitlines(keepends=True)
    parts: list[_Part] = []
    reached = 0
    for name, node in _named(tree.body):
        first = min([node.lineno, *(it.lineno for it in getattr(node, "decorator_list", []))]) - 1
        while first > reached and lines[first - 1].startswith("#"):
            first -= 1  # Its comments.
        end = node.end_lineno or node.lineno
        while end < len(lines) and lines[end].startswith('"""'):  # The text that documents a variable.
            end = _end_of_text(tree.body, end)
        while end < len(lines) and lines[end].lstrip(" ").startswith("#") and lines[end].startswith(" "):
            end += 1  # A comment at the end of its body.
        parts += [_Part(None, "".join(lines[reached:first])), _Part(name, "".join(lines[first:end]))]
        reached = end
    return [*parts, _Part(None, "".join(lines[reached:]))]


def _named(body: Sequence[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    for node in body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, node
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name, node


def _end_of_text(body: Sequence[ast.stmt], line: int) -> int:
    return next((node.end_lineno or line + 1 for node in body if node.lineno == line + 1), line + 1)


def _joined(parts: Sequence[_Part], names: Sequence[str]) -> str:
    """The parts of these names, in this order, as a module would have them."""
    texts = {part.name: part.text for part in parts}
    return "\n\n".join(texts[name] for name in names if name in texts)


def _rest(content: bytes, moved: set[str]) -> bytes:
    """What a module has beside what was moved; blank lines say nothing."""
    lines = "".join(part.text for part in _parts(content) or () if part.name not in moved).splitlines(keepends=True)
    return "".join(line for line in lines if line.strip()).encode()


def _imports(content: bytes) -> Iterator[ast.Import | ast.ImportFrom]:
    return (node for node in ast.parse(content).body if isinstance(node, ast.Import | ast.ImportFrom))


def _imported(content: bytes) -> dict[str, Imported]:
    """What a module imports, by the names that it knows it under."""
    return {name: it for node in _imports(content) for name, it in Statement(node, "").names()}


def _without_imports(content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    for node in _imports(content):
        lines[node.lineno - 1 : node.end_lineno] = [b"\n"] * ((node.end_lineno or node.lineno) - node.lineno + 1)
    return b"".join(lines)


def _line(it: Imported, deeper: str) -> str:
    """The statement that imports something, in a module that is deeper by so many dots."""
    is_relative = it.module is not None and it.module.startswith(".")
    return f"{replace(it, module=f'{deeper}{it.module}').line if is_relative else it.line}\n"
