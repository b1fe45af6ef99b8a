"""What every ``add`` shares: changes are collected here, and come out as one plan with its record in the manifest."""

from __future__ import annotations

import ast
import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from resonate_scaffold import layout
from resonate_scaffold.errors import CannotEdit, Taken
from resonate_scaffold.layout import Code
from resonate_scaffold.names import Name
from resonate_scaffold.plan import Change, Create, Edit, Plan
from resonate_scaffold.project import MANIFEST, Added, Edited, Project, fingerprint, with_change
from resonate_scaffold.shapes import Import, Types
from resonate_scaffold.source import Source, Splice
from resonate_scaffold.survey import Place, Survey
from resonate_scaffold.templates import render_add

Bind = Callable[[str, str | None], str]


class Growth:
    """Collects one ``add``. Nothing is written: :meth:`plan` says what would be.

    ``options`` is what was asked for, normalised: asking for the same again is how "already there" is known.
    """

    options: Mapping[str, Any]

    def __init__(self, project: Project, kind: str, name: str) -> None:
        self.project = project
        self.survey = Survey(project)
        self.types = Types(self.survey)
        self.kind = kind
        self.name = name
        self.options = {}
        self.notes: list[str] = []
        self._created: dict[PurePosixPath, bytes] = {}
        self._sources: dict[PurePosixPath, Source] = {}
        self._texts: dict[PurePosixPath, tuple[bytes, tuple[Splice, ...]]] = {}
        self._lists: dict[PurePosixPath, list[tuple[str, str]]] = {}
        self._defines: dict[PurePosixPath, list[str]] = {}

    def module(self, module: str) -> PurePosixPath:
        """The file of a module of the service: ``contracts.db``."""
        return PurePosixPath(self.project.package, *module.split(".")).with_suffix(".py")

    def source(self, path: PurePosixPath) -> Source:
        """A file that is there, with the edits made so far.

        Raises:
            CannotEdit: the file is gone.
        """
        if path in self._sources:
            return self._sources[path]
        if path not in self.project.files:
            raise CannotEdit(f"{path} is not there", "Restore it: every service has this file.")
        return self.survey.source(path)

    def create(self, template: str, path: PurePosixPath, context: Mapping[str, Any], imports: Iterable[Import]) -> None:
        """Make a Python file from ``templates/add``, and import there what its code names.

        Raises:
            Taken: the path is taken, or a name that it needs means something else in it.
        """
        text = render_add(template, {**context, "package": self.project.package})
        source = Source.parse(path, text.encode(), self.project.package)
        # Names of a module first: with the module there, they would be written through it.
        for module, name in sorted(dict.fromkeys(imports), key=lambda one: one[0] == "contracts"):
            source, expression = source.bind(module, name)
            wanted = name or module.rpartition(".")[2]
            if expression != wanted:
                what = f"{path} would have two things called {wanted}, one of {module.removeprefix('!')}"
                raise Taken(what, "Choose another name.")
        self.write(path, source.content)

    def write(self, path: PurePosixPath, content: bytes) -> None:
        """Make a file."""
        if self.project.exists(path) or path in self._created:
            raise Taken(f"{path} is there already", f"Choose another name, or move {path.name} away.")
        self._created[path] = content

    def append(self, path: PurePosixPath, defines: Sequence[str], write: Callable[[Bind], str]) -> None:
        """Append definitions to a module, new or there.

        Args:
            defines: the names that they define.
            write: gives their text; it is called with what tells how an imported name is written there.

        Raises:
            Taken: the module has one of the names already.
        """
        new = path in self._created
        source = Source.parse(path, self._created[path], self.project.package) if new else self.source(path)
        taken = source.definitions()
        for name in defines:
            if name in taken:
                where = f"{path}:{taken[name].lineno}"
                raise Taken(f"{name} is there already ({where})", "Choose another name, or rename that.")
            if source.qualified(ast.Name(name)) is not None:
                raise Taken(f"{path} imports {name} already", "Choose another name.")

        def bind(module: str, name: str | None) -> str:
            nonlocal source
            if self.module(module) == path and name is not None:
                return name
            source, expression = source.bind(module, name)
            return expression

        text = write(bind)
        source = source.append(text)
        if new:
            self._created[path] = source.content
        else:
            self._sources[path] = source
        self._defines.setdefault(path, []).extend(defines)

    def wire(
        self,
        path: PurePosixPath,
        into: str,
        key: str,
        imports: Sequence[tuple[str, str | None]],
        element: Callable[..., Code],
        *,
        prefer: str | None = None,
    ) -> None:
        """Append an element to a module-level list, unless *key* is mentioned in the module already.

        Args:
            key: the qualified name, or the text, by which the element is found again.
            imports: what the element is made of; ``element`` is called with the expression for each.
            prefer: the local name wished for them.

        Raises:
            CannotEdit: the list cannot be edited; the hint has the lines to paste.
        """
        source = self.source(path)
        if source.mentions(key):
            return
        bound = source
        expressions: list[str] = []
        needed: list[str] = []  # the imports that were missing, each as a statement
        for module, name in imports:
            before = bound
            bound, expression = bound.bind(module, name, prefer)
            expressions.append(expression)
            if bound.content != before.content:
                alone, _ = Source.parse(path, b"", self.project.package).bind(module, name, expression)
                needed += alone.content.decode().splitlines()
        # `append_to_list` indents what it is given, so room is kept for that and for the comma.
        text = layout.render(element(*expressions), after=" " * 4 + ",")
        try:
            self._sources[path] = bound.append_to_list(into, text)
        except CannotEdit as error:
            # What was bound would be lost with the refusal, so it is part of what to paste.
            lines = "".join(f"\n    {line}" for line in [*needed, *f"{text},".splitlines()])
            hint = f"Paste this into {path}, then run the command again:{lines}"
            raise CannotEdit(error.message, hint) from error
        self._lists.setdefault(path, []).append((into, key))

    def edit_text(self, path: PurePosixPath, at: int, text: str) -> None:
        """Insert text into a file that is not Python, at a byte offset, with the file's own line ends."""
        content, undo = self._texts.get(path, (self.project.files[path], ()))
        new = text.encode()
        if b"\r\n" in content:
            new = new.replace(b"\n", b"\r\n")
        content = content[:at] + new + content[at:]
        self._texts[path] = content, (Splice(at, len(new), b""), *undo)

    def text(self, path: PurePosixPath) -> bytes | None:
        """The content of a file that is not Python; None where there is none."""
        if path in self._texts:
            return self._texts[path][0]
        return self._created.get(path, self.project.files.get(path))

    def plan(self) -> Plan:
        """All of it as one plan, the manifest's record included."""
        edits: dict[PurePosixPath, tuple[bytes, tuple[Splice, ...]]] = {
            path: (source.content, source.undo) for path, source in self._sources.items() if source.undo
        }
        edits |= self._texts
        manifest = self.project.manifest
        changes: list[Change] = []
        edited: dict[str, Edited] = {}
        for path, content in self._created.items():
            changes.append(Create(path, content))
            manifest = with_change(manifest, path, None, content)
        for path, (content, undo) in edits.items():
            before = self.project.files[path]
            changes.append(Edit(path, before, content))
            manifest = with_change(manifest, path, before, content)
            edited[str(path)] = Edited(
                fingerprint(content),
                tuple((splice.start, splice.length, splice.old.decode()) for splice in undo),
                tuple(self._lists.get(path, ())),
                tuple(self._defines.get(path, ())),
            )
        for path in self._created.keys() & self._defines.keys():
            # Others may append to it before this is removed: then its part is known by name.
            content = self._created[path]
            edited[str(path)] = Edited(fingerprint(content), (), (), tuple(self._defines[path]))
        files = {str(path): fingerprint(content) for path, content in sorted(self._created.items())}
        record = Added(self.kind, self.name, dict(self.options), files, dict(sorted(edited.items())))
        kept = tuple(added for added in manifest.adds if (added.kind, added.name) != (self.kind, self.name))
        manifest = replace(manifest, adds=(*kept, record))
        changes.append(Edit(MANIFEST, self.project.files[MANIFEST], manifest.to_bytes()))
        return Plan(tuple(sorted(changes, key=lambda change: change.path)), tuple(self.notes))


def asked_before(growth: Growth) -> Plan | None:
    """The empty plan where the same was added before, and is still there.

    Raises:
        Taken: it was added with other options.
    """
    record = growth.project.manifest.find(growth.kind, growth.name)
    if record is None or not any(PurePosixPath(path) in growth.project.files for path in record.files):
        return None  # never added, or taken out by hand
    asked = json.loads(json.dumps(growth.options))
    if record.options == asked:
        return Plan((), (f"{growth.kind} {growth.name} is there already: nothing to do",))
    differences = [
        f"{key}: {_shown(record.options.get(key))} there, {_shown(asked.get(key))} asked"
        for key in sorted(record.options.keys() | asked.keys())
        if record.options.get(key) != asked.get(key)
    ]
    raise Taken(
        f"{growth.kind} {growth.name} is there already, as something else ({'; '.join(differences)})",
        f"Choose another name, or first: resonate-scaffold remove {growth.kind} {shlex.quote(growth.name)}",
    )


def root_kinds(growth: Growth) -> dict[str, str]:
    """What ids begin with in this service, and whose they are."""
    kinds = {"db": "the db group's operations"}
    for contract in growth.survey.contracts:
        kinds[contract.durable] = at(contract.place)
    for gate in growth.survey.gates:
        kinds[gate.name] = at(gate.place)
    for key in growth.survey.keys:
        kinds[key.name.replace("_", "-")] = at(key.place)
    for path in {PurePosixPath(route.place.path) for route in growth.survey.routes}:
        for kind, line in kinds_in(growth, path):
            kinds.setdefault(kind, f"{path}:{line}")
    return kinds


def kinds_in(growth: Growth, path: PurePosixPath) -> Iterator[tuple[str, int]]:
    """What the ids that a module makes by ``ids.root("…", …)`` begin with, and the lines."""
    for node in ast.walk(growth.survey.source(path).tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="root"), args=[ast.Constant(value=str(kind)), *_]):
                yield kind, node.lineno


def at(place: Place) -> str:
    """A place as an error shows it."""
    return f"{place.path}:{place.line}"


def tests_path(kind: str, name: Name) -> PurePosixPath:
    """The test of something that was added."""
    return PurePosixPath("tests", f"test_{kind}_{name.snake}.py")


def _shown(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value)) or "none"
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
