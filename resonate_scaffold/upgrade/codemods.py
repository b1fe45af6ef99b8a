"""What a merge cannot do: names of the machinery that the owner's own code uses, and that are elsewhere now.

An import of a name that moved is written anew, with the old name as its alias where it has another one, so that the
code below it stays as it is. What has no successor stays, and is told.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import PurePosixPath
from textwrap import shorten

from resonate_scaffold.upgrade.moves import as_numbers

Files = Mapping[PurePosixPath, bytes]


@dataclass(frozen=True, slots=True)
class Modernized:
    """Files as a codemod leaves them, and what is left to do by hand: a place and what stands there."""

    files: Files
    left: tuple[str, ...]


def _table(text: str) -> dict[tuple[str, str], tuple[str, str]]:
    """Read lines of ``old.module -> new.module: name name>new_name``."""
    found = {}
    for line in text.strip().splitlines():
        modules, _, names = line.partition(": ")
        old, _, new = modules.partition(" -> ")
        for name in names.split():
            before, _, after = name.partition(">")
            found[old.strip(), before] = (new.strip(), after or before)
    return found


# Modules are named below the service's package.
TO_0_2_0 = _table("""
    rpc -> runtime.durable.rpc: Rpc serve Served>Registration DurableCall
    rpc -> runtime.errors: Failure WiringError
    rpc -> runtime.durable.fingerprints: fingerprint
    gate -> runtime.durable.gate: Gate Delivery
    ids -> runtime.durable.ids: MAX_ROOT public_id visible_to>is_visible root>root_id public_of operation>operation_id
    ids -> runtime.durable.ids: keyed owned
    schedules -> runtime.durable.schedules: Schedule
    ambient -> runtime.durable.clock: now new_uuid Ambient>Clock
    engine -> runtime.engine.client: Engine>EngineClient
    engine -> runtime.errors: EngineUnavailable
    logs -> runtime.telemetry.logs: about>log_context note>add_to_log_context
    db.database -> runtime.database: Database
    db.database -> runtime.database_connections: database_url
    db.database -> runtime.migrations: migrate
    db.database -> runtime.errors: SchemaError
    db.operations -> runtime.durable.once: once
    db.operations -> runtime.errors: OperationConflict
    db.models -> runtime.database: Operation
    api.answers -> runtime.http.work: Links Accepted Progress poll accepted>accept
    api.idempotency -> runtime.http.work: Outcome Started start await_end>wait_for_end
    api.idempotency -> runtime.engine.run_status: Status
    api.dependencies -> runtime.http.auth: Caller caller_of>get_caller ForCallers>AuthenticatedRoute
    api.dependencies -> runtime.http.auth: EngineDep>ClientDep get_engine>get_client
    api.dependencies -> runtime.http.idempotency: Submission submission_of>get_submission
    api.dependencies -> runtime.http.preferences: MAX_WAIT preferred_wait
    api.dependencies -> runtime.http.problems: not_found
    api.problems -> runtime.http.problems: MEDIA_TYPE Problem ProblemDetails unavailable invalid_request
    api.bodies -> runtime.http.strict_json: MAX_DEPTH read_json check_request JsonRequest>StrictJsonRequest
    api.openapi -> runtime.http.openapi: header problems POLLED READ SUBMITTED>ACCEPTED wrapped>waited
    api.openapi -> runtime.http.openapi: for_callers>authenticated IDEMPOTENCY_KEY IDEMPOTENCY_KEY_REQUIRED PREFER
""")


def modernize(files: Files, untouched: Files, package: str, old: str, new: str) -> Modernized:
    """Apply the codemods of the versions after *old*, up to *new*, to Python files that somebody wrote or edited.

    Args:
        files: the service as merged.
        untouched: what the new version makes: a file that is the same there needs nothing, nor does an import.
    """
    if not as_numbers(old) < (0, 2, 0) <= as_numbers(new):
        return Modernized(files, ())
    changed, left = dict(files), list[str]()
    for path, content in files.items():
        theirs = path.parts[:2] == (package, "runtime") or untouched.get(path) == content
        if path.suffix == ".py" and not theirs:
            found = _modernized(path, content, files, untouched, package, _imports_of(untouched.get(path, b"")))
            if found is not None:
                changed[path] = found.apply().encode()
                left += found.left
    return Modernized(changed, tuple(left))


def modernize_one(
    path: PurePosixPath, content: bytes, files: Files, untouched: Files, package: str, old: str, new: str
) -> bytes:
    """Apply the same to a file as it was before a merge, in which nothing is the new version's yet."""
    if not as_numbers(old) < (0, 2, 0) <= as_numbers(new):
        return content
    found = _modernized(path, content, files, untouched, package, frozenset())
    return content if found is None else found.apply().encode()


def _modernized(
    path: PurePosixPath, content: bytes, files: Files, untouched: Files, package: str, new: frozenset[_Imported]
) -> _Reader | None:
    """A file that was read; None where it is no Python: it has markers of a conflict, or had no sense before."""
    tree = _parsed(content)

    def successor(module: str, name: str) -> tuple[str, str] | None:
        return _successor(untouched, package, module, name)

    def exists(module: str) -> bool:
        it = PurePosixPath(package, *module.split("."))
        return it.with_suffix(".py") in files or any(it in other.parents for other in untouched)

    return None if tree is None else _Reader(path, package, tree, content.decode(), successor, exists, new)


def _parsed(content: bytes) -> ast.Module | None:
    try:
        return ast.parse(content.decode())
    except (ValueError, SyntaxError):
        return None


type _Imported = tuple[int, str | None, str, str | None]
"""What an import names: the level, the module, the name, and its alias."""


def _imports_of(content: bytes) -> frozenset[_Imported]:
    tree = _parsed(content) or ast.Module([], [])
    found = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return frozenset((node.level, node.module, it.name, it.asname) for node in found for it in node.names)


@dataclass(frozen=True, slots=True)
class _Cut:
    start: int
    end: int
    text: str

    def is_within(self, other: _Cut) -> bool:
        """Whether another cut takes the place of this one, too."""
        return self is not other and other.start <= self.start and self.end <= other.end


class _Reader:
    """Finds in one file what moved, and writes it anew."""

    def __init__(
        self,
        path: PurePosixPath,
        package: str,
        tree: ast.Module,
        text: str,
        successor: Callable[[str, str], tuple[str, str] | None],
        exists: Callable[[str], bool],
        new: frozenset[_Imported],
    ) -> None:
        self._new = new
        self._path, self._package, self._tree, self._text = path, package, tree, text
        self._successor, self._exists = successor, exists
        self.left: list[str] = []
        """What has no successor."""

    def apply(self) -> str:
        """The text with every cut made."""
        text = self._text.encode()
        cuts = list(self._cuts())
        outer = [it for it in cuts if not any(it.is_within(other) for other in cuts)]
        for cut in sorted(outer, key=lambda cut: cut.start, reverse=True):
            text = text[: cut.start] + cut.text.encode() + text[cut.end :]
        return text.decode()

    def _cuts(self) -> Iterator[_Cut]:
        served = "serve"
        for node in ast.walk(self._tree):
            if not isinstance(node, ast.ImportFrom):
                continue
            module = self._module(node)
            if module is None:
                continue
            if module == "rpc":
                served = next((it.asname or it.name for it in node.names if it.name == "serve"), served)
            yield from self._of_names(node, module)
            yield from self._of_modules(node, module)
        yield from self._of_pairs(served)

    def _of_names(self, node: ast.ImportFrom, module: str) -> Iterator[_Cut]:
        """An import of names that moved."""
        moved = {it: to for it in node.names if not self._is_new(node, it) and (to := self._successor(module, it.name))}
        if not moved:
            if not self._exists(module):
                self._leave(node)
            return
        stays = [it for it in node.names if it not in moved]
        wanted: dict[str, list[str]] = {}
        for it, (target, name) in moved.items():
            local = it.asname or it.name
            wanted.setdefault(target, []).append(name if name == local else f"{name} as {local}")
        lines = [f"from {self._spelled(node, target)} import {', '.join(names)}" for target, names in wanted.items()]
        if stays:
            names = ", ".join(it.name + (f" as {it.asname}" if it.asname else "") for it in stays)
            lines.append(f"from {'.' * node.level}{node.module or ''} import {names}")
            if not self._exists(module):
                self._leave(node)
        yield self._import(node, lines)

    def _of_modules(self, node: ast.ImportFrom, package: str) -> Iterator[_Cut]:
        """An import of a module whose names moved: each use is written with the name alone."""
        lines: list[str] = []
        gone: set[ast.alias] = set()
        for it in node.names:
            if self._is_new(node, it):
                continue
            module = f"{package}.{it.name}".lstrip(".")
            uses = {
                use: to
                for use in ast.walk(self._tree)
                if isinstance(use, ast.Attribute)
                and isinstance(use.value, ast.Name)
                and use.value.id == (it.asname or it.name)
                and (to := self._successor(module, use.attr))
            }
            for use, (_, name) in uses.items():
                yield self._cut(use, self._free(name, it.name))
            for target, name in sorted({*uses.values()}):
                free = self._free(name, it.name)
                alias = "" if free == name else f" as {free}"
                lines.append(f"from {self._spelled(node, target)} import {name}{alias}")
            if uses and not self._is_used_otherwise(it.asname or it.name, len(uses)):
                gone.add(it)
        if not lines:
            return
        stays = [it for it in node.names if it not in gone]
        if stays:
            names = ", ".join(it.name + (f" as {it.asname}" if it.asname else "") for it in stays)
            lines.insert(0, f"from {'.' * node.level}{node.module or ''} import {names}")
        yield self._import(node, lines)

    def _of_pairs(self, served: str) -> Iterator[_Cut]:
        """`serve(contract, function)` is `serve(contract)(function)` now."""
        for node in ast.walk(self._tree):
            match node:
                case ast.Call(func=ast.Name(id=name), args=[first, second]) if name == served:
                    options = "".join(f", {self._source(option)}" for option in node.keywords)
                    between = self._end(first), self._start(second)
                    rest = self._end(second), self._end(node)
                    if self._comments(*between) or self._comments(*rest):
                        self._leave(node)
                    else:
                        yield _Cut(*between, f"{options})(")
                        yield _Cut(*rest, ")")

    def _is_new(self, node: ast.ImportFrom, it: ast.alias) -> bool:
        """Whether the new version imports this, here: then it means what it says."""
        return (node.level, node.module, it.name, it.asname) in self._new

    def _free(self, name: str, module: str) -> str:
        """A name by itself, or with its module's where the file has another thing of that name."""
        bound = {node.id for node in ast.walk(self._tree) if isinstance(node, ast.Name) and node.id == name}
        bound |= {node.arg for node in ast.walk(self._tree) if isinstance(node, ast.arg)}
        bound |= {node.name for node in ast.walk(self._tree) if isinstance(node, _NAMED)}
        return f"{module}_{name}" if name in bound else name

    def _is_used_otherwise(self, name: str, uses: int) -> bool:
        """Whether a name is read more often than so many times."""
        return sum(isinstance(node, ast.Name) and node.id == name for node in ast.walk(self._tree)) > uses

    def _module(self, node: ast.ImportFrom) -> str | None:
        """The module that is imported from, below the service's package; None for one that is somewhere else."""
        if not node.level:
            head, _, rest = (node.module or "").partition(".")
            return rest if head == self._package else None
        here = self._path.parts[:-1]
        if here[0] != self._package or node.level > len(here):
            return None
        return ".".join([*here[1 : len(here) - node.level + 1], *filter(None, [node.module])])

    def _spelled(self, node: ast.ImportFrom, module: str) -> str:
        """A module as this file imports: relative where it does so already."""
        if not node.level:
            return f"{self._package}.{module}"
        return f"{'.' * (len(self._path.parts) - 1)}{module}"

    def _leave(self, node: ast.stmt | ast.expr) -> None:
        self.left.append(f"{self._path}: {shorten(self._source(node), 80, placeholder=' …')}")

    def _import(self, node: ast.ImportFrom, lines: list[str]) -> _Cut:
        """An import written anew; comments that stood in it stand above."""
        kept = self._comments(self._start(node), self._end(node))
        return self._cut(node, f"\n{' ' * node.col_offset}".join([*kept, *lines]))

    def _comments(self, start: int, end: int) -> list[str]:
        """The comments between two places."""
        return [text for at, text in self._all_comments if start <= at < end]

    @cached_property
    def _all_comments(self) -> list[tuple[int, str]]:
        tokens = tokenize.tokenize(io.BytesIO(self._text.encode()).readline)
        return [
            (self._at(it.start[0], len(it.line[: it.start[1]].encode())), it.string)
            for it in tokens
            if it.type == tokenize.COMMENT
        ]

    def _end(self, node: ast.stmt | ast.expr) -> int:
        return self._at(node.end_lineno, node.end_col_offset)

    def _cut(self, node: ast.stmt | ast.expr, text: str) -> _Cut:
        return _Cut(self._start(node), self._end(node), text)

    def _start(self, node: ast.stmt | ast.expr) -> int:
        return self._at(node.lineno, node.col_offset)

    def _at(self, line: int | None, column: int | None) -> int:
        """The byte at a line and its column, as the parser counts them."""
        return self._starts[(line or 1) - 1] + (column or 0)

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *accumulate(map(len, re.split(rb"(?<=\n)", self._text.encode())))]

    def _source(self, node: ast.AST) -> str:
        return ast.get_source_segment(self._text, node) or ""


_NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _successor(files: Files, package: str, module: str, name: str) -> tuple[str, str] | None:
    """Where the new version has a name of a module, and how it is called there; None where it is as it was, or gone."""
    directory = PurePosixPath(package, *module.split("."))
    if _defines(files.get(directory.with_suffix(".py")), name):
        return None
    if module.startswith("contracts."):  # A module each, where one had them all.
        for path, content in files.items():
            if path.parent == directory and _defines(content, name):
                return f"{module}.{path.stem}", name
    return TO_0_2_0.get((module, name))


def _defines(content: bytes | None, name: str) -> bool:
    """Whether a module defines a name."""
    pattern = rf"(?m)^(class|(async )?def) {name}\b|^{name}\b *[:=]"
    return content is not None and re.search(pattern, content.decode()) is not None
