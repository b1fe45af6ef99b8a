"""What every ``add`` shares: changes are collected here, and come out as one plan with their record."""

from __future__ import annotations

import ast
import itertools
import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import PurePosixPath
from typing import Any

from resonate_scaffold.code.facts import Place
from resonate_scaffold.edit.imports import longer_names
from resonate_scaffold.edit.source import Source
from resonate_scaffold.errors import CannotEdit, Taken
from resonate_scaffold.formatting import Draft, lay_out
from resonate_scaffold.forms import form
from resonate_scaffold.layout import Code, render
from resonate_scaffold.names import Noun
from resonate_scaffold.plan import Change, Create, Delete, Edit, Plan
from resonate_scaffold.project import Added, ChangedFiles, Edited, Project
from resonate_scaffold.service.service import Service
from resonate_scaffold.shapes import Types
from resonate_scaffold.templates import render_add
from resonate_scaffold.values import Import

Bind = Callable[[str, str | None], str]
_Edit = Callable[[Source, Callable[[str], str]], Source]
"""An edit of a file that is there; it is given what lays out a text before it is put in."""

_LONGEST_SHOWN = 60
# How ids begin that the runtime makes: those of operations, and of what a schedule starts.
KINDS_OF_THE_RUNTIME = {"db": "the db group's operations", "schedule": "the runs of schedules"}


class Imports:
    """What a new file imports, and what it calls each.

    A name that means something else there already, imported or of the file's own, is imported under another one. So
    what a template spells out is imported first.
    """

    def __init__(self, defines: Iterable[str] = ()) -> None:
        self._called: dict[Import, str] = {}
        self._taken = set(defines)

    def __call__(self, module: str, name: str | None) -> str:
        """Import something of a module, or with None the module itself; returns how it is written in the file."""
        if (module, name) not in self._called:
            plain = name or module.rpartition(".")[2]
            self._called[module, name] = local = self._free(module, plain)
            self._taken.add(local)
        return self._called[module, name]

    def names(self, module: str, *names: str) -> None:
        """Import names of a module that the template spells out."""
        self.add((module, name) for name in names)

    def add(self, imports: Iterable[Import]) -> None:
        """Import what code spells out: where one of the names is taken, the file is refused."""
        for module, name in imports:
            plain = name or module.rpartition(".")[2]
            self._called[module, name] = plain
            self._taken.add(plain)

    def contract(self, module: str) -> None:
        """Import the module of the contract that a function fulfils, which bears the function's name, as `contract`."""
        self._called[module, None] = "contract"
        self._taken.add("contract")

    def items(self) -> Iterator[tuple[str, str | None, str]]:
        """Module, name and local name of each."""
        for (module, name), local in self._called.items():
            yield module, name, local

    def _free(self, module: str, plain: str) -> str:
        candidates = [plain, *longer_names(module, plain)]
        return next((name for name in candidates if name not in self._taken), plain)  # what is taken, `create` refuses


class Addition:
    """Collects one ``add``. Nothing is written: :meth:`plan` says what would be.

    ``options`` is what was asked for, normalised: asking for the same again is how "already there" is known.
    """

    options: Mapping[str, Any]

    def __init__(self, project: Project, kind: str, name: str) -> None:
        project.check_layout()
        self.project = project
        self.service = Service(project)
        self.types = Types(self.service)
        self.kind = kind
        self.name = name
        self.options = {}
        self.notes: list[str] = []
        self._created: dict[PurePosixPath, bytes] = {}
        self._sources: dict[PurePosixPath, Source] = {}
        self._edits: dict[PurePosixPath, list[_Edit]] = {}
        self._added: dict[PurePosixPath, list[str]] = {}
        self._texts: dict[PurePosixPath, bytes] = {}
        self._lists: dict[PurePosixPath, list[tuple[str, str]]] = {}
        self._defines: dict[PurePosixPath, list[str]] = {}

    def foresee(self, path: PurePosixPath, content: bytes) -> None:
        """Know the types of a module of contracts that this ``add`` is about to make."""
        files = ChangedFiles(self.project.files, {path: content})
        self.service = Service(replace(self.project, files=files))
        self.types = Types(self.service)

    def module(self, module: str) -> PurePosixPath:
        """The file of a module of the service: ``contracts.db``."""
        return PurePosixPath(self.project.package, *module.split(".")).with_suffix(".py")

    def distinct(self, name: str, *places: Callable[[str], PurePosixPath]) -> str:
        """A name like *name* whose files, at these places, are not there yet."""
        names = (name if number == 1 else f"{name}_{number}" for number in itertools.count(1))
        return next(it for it in names if not any(self._is_taken(place(it)) for place in places))

    def _is_taken(self, path: PurePosixPath) -> bool:
        return self.project.exists(path) or path in self._created

    def source(self, path: PurePosixPath) -> Source:
        """A file that is there, with the edits made so far.

        Raises:
            CannotEdit: the file is gone.
        """
        if path in self._sources:
            return self._sources[path]
        if path not in self.project.files and self.project.exists(path):
            raise CannotEdit(f"{path} is a link, or no file: it is not edited", "Put the file itself there.")
        if path not in self.project.files:
            raise CannotEdit(f"{path} is not there", "Restore it: every service has this file.")
        return self.service.source(path)

    def create(self, template: str, path: PurePosixPath, context: Mapping[str, Any], imports: Imports) -> None:
        """Make a Python file from ``templates/add``, and import there what its code names.

        Raises:
            Taken: the path is taken, or a name that it needs means something else in it.
        """
        text = render_add(template, {**context, "package": self.project.package})
        source = Source.parse(path, text.encode(), self.project.package)
        source, written = source.bind_all(imports.items())
        for (module, _, local), expression in zip(imports.items(), written, strict=True):
            if expression != local:
                what = f"{path} would have two things called {local}, one of {module.removeprefix('!')}"
                raise Taken(what, "Choose another name.")
        self.write(path, source.content)

    def write(self, path: PurePosixPath, content: bytes) -> None:
        """Make a file."""
        if self._is_taken(path):
            raise Taken(f"{path} is there already", f"Choose another name, or move {path.name} away.")
        self._created[path] = content

    def append(self, path: PurePosixPath, defines: str, write: Callable[[Bind], str]) -> None:
        """Append a definition to a module that is there.

        Args:
            defines: its name.
            write: gives its text; it is called with what tells how an imported name is written there.

        Raises:
            Taken: the module has the name already.
        """
        source = self.source(path)
        taken = source.definitions()
        if defines in taken:
            where = f"{path}:{taken[defines].lineno}"
            raise Taken(f"{defines} is there already ({where})", "Choose another name, or rename that.")
        if source.qualified(ast.Name(defines)) is not None:
            raise Taken(f"{path} imports {defines} already", "Choose another name.")

        def edit(source: Source, laid_out: Callable[[str], str]) -> Source:
            source, text = _written(source, write)
            return source.append(laid_out(text))

        self._edit(path, edit)
        self._defines.setdefault(path, []).append(defines)

    def append_field(
        self, path: PurePosixPath, class_: str, name: str, write: Callable[[Bind], str], *, behind: str | None = None
    ) -> None:
        """Append a field to a class of a module that is there.

        Args:
            name: the field's.
            write: gives its text; it is called with what tells how an imported name is written there.
            behind: the field that it comes after, if the class has it; else the last one.
        """

        def edit(source: Source, laid_out: Callable[[str], str]) -> Source:
            source, text = _written(source, write)
            return source.append_field(class_, laid_out(text), behind=behind)

        self._edit(path, edit)
        self._defines.setdefault(path, []).append(f"{class_}.{name}")

    def wire(
        self,
        path: PurePosixPath,
        into: str,
        key: str,
        imports: Sequence[tuple[str, str | None]],
        element: Callable[..., Code],
    ) -> None:
        """Append an element to a module-level list, unless *key* is mentioned in the module already.

        Args:
            key: the qualified name, or the text, by which the element is found again.
            imports: what the element is made of; ``element`` is called with the expression for each.

        Raises:
            CannotEdit: the list cannot be edited; the hint has the lines to paste.
        """
        source = self.source(path)
        if source.mentions(key, within=None if "." in key else into):
            return

        def edit(source: Source, laid_out: Callable[[str], str]) -> Source:
            # The comment keeps it over several lines, as it is where it goes.
            return source.wire(
                into, imports, lambda written: _only_element(laid_out(f"[\n#\n{render(element(*written))},\n]\n"))
            )

        self._edit(path, edit)
        self._lists.setdefault(path, []).append((into, key))

    def _edit(self, path: PurePosixPath, edit: _Edit) -> None:
        added = self._added.setdefault(path, [])

        def as_it_is(text: str) -> str:
            added.append(text)
            return text

        self._sources[path] = edit(self.source(path), as_it_is)
        self._edits.setdefault(path, []).append(edit)

    def _edited(self, path: PurePosixPath, laid_out: Mapping[str, str]) -> bytes:
        """A file with its edits, whose texts are laid out."""
        source = self.service.source(path)
        for edit in self._edits[path]:
            source = edit(source, laid_out.__getitem__)
        return source.content

    def serve(self, part: str, module: str, function: str) -> None:
        """List a durable function in the SERVED of a worker."""
        worker = self.module(f"{part}.worker")
        self.wire(worker, "SERVED", f"{module}.{function}", [(module, function)], lambda served: served)

    def include(self, module: str) -> None:
        """List the router of a module in the ROUTERS of the API."""
        self.wire(
            self.module("api.app"), "ROUTERS", f"{module}.router", [(module, None)], lambda routes: f"{routes}.router"
        )

    def edit_text(self, path: PurePosixPath, at: int, text: str) -> None:
        """Insert text into a file that is not Python, at a byte offset, with the file's own line ends."""
        content = self._texts.get(path, self.project.files[path])
        new = text.encode()
        if b"\r\n" in content:
            new = new.replace(b"\n", b"\r\n")
        self._texts[path] = content[:at] + new + content[at:]

    def text(self, path: PurePosixPath) -> bytes | None:
        """The content of a file that is not Python; None where there is none."""
        return self._texts.get(path, self._created.get(path, self.project.files.get(path)))

    def plan(self) -> Plan:
        """All of it as one plan, its record included."""
        files = self.project.files
        drafts = [Draft(path, None, content) for path, content in self._created.items() if path.suffix == ".py"]
        drafts += [
            Draft(path, files[path], source.content, self._added[path], partial(self._edited, path))
            for path, source in self._sources.items()
        ]
        laid_out = lay_out(files, drafts)
        changes: list[Change] = []
        created: dict[str, str] = {}
        for path, content in sorted(self._created.items()):
            made = laid_out.get(path, content)
            changes.append(Create(path, made))
            created[str(path)] = form(path, made)
        edited: dict[str, Edited] = {}
        for path in (*self._sources, *self._texts):
            changes.append(Edit(path, files[path], laid_out.get(path) or self._texts[path]))
            edited[str(path)] = Edited(tuple(self._lists.get(path, ())), tuple(self._defines.get(path, ())))
        number = self.project.next_number()
        record = Added(self.kind, self.name, dict(self.options), created, dict(sorted(edited.items())), number)
        changes.append(Create(record.path, record.to_bytes()))
        stale = self.project.find_add(self.kind, self.name)  # of what was taken out by hand
        if stale is not None:
            changes.append(Delete(stale.path, self.project.files[stale.path]))
        return Plan(tuple(sorted(changes, key=lambda change: change.path)), tuple(self.notes))


def _only_element(text: str) -> str:
    """The element of a list, its further lines indented less by as much as its first one is."""
    statement = ast.parse(text).body[0]
    assert isinstance(statement, ast.Expr) and isinstance(statement.value, ast.List)
    (element,) = statement.value.elts
    return (ast.get_source_segment(text, element) or "").replace("\n" + " " * element.col_offset, "\n")


def asked_before(addition: Addition) -> Plan | None:
    """The empty plan where the same was added before, and is still there.

    Raises:
        Taken: it was added with other options.
    """
    record = addition.project.find_add(addition.kind, addition.name)
    if record is None or not any(PurePosixPath(path) in addition.project.files for path in record.files):
        return None  # never added, or taken out by hand
    asked = json.loads(json.dumps(addition.options))
    if record.options == asked:
        return Plan((), (f"{addition.kind} {addition.name} is there already: nothing to do",))
    differences = [
        f"{key}: {_shown(record.options.get(key))} there, {_shown(asked.get(key))} asked"
        for key in sorted(record.options.keys() | asked.keys())
        if record.options.get(key) != asked.get(key)
    ]
    raise Taken(
        f"{addition.kind} {addition.name} is there already, as something else ({'; '.join(differences)})",
        f"Choose another name, or first: resonate-scaffold remove {addition.kind} {shlex.quote(addition.name)}",
    )


def check_kind(addition: Addition, kind: str, *, is_of_work: bool = True) -> None:
    """Refuse what ids of this service begin with already.

    ``is_of_work``: ids will begin with it. A contract's name begins none but of tests and of reads, each of which has a
    new one, so it may be what the runtime's begin with.

    Only files that spell it are read: whatever the service has, it costs about the same.

    Raises:
        Taken: it is taken.
    """
    if not is_of_work and kind in KINDS_OF_THE_RUNTIME:
        return
    contracts = (at(it.place) for it in addition.service.contracts_spelling(kind) if it.durable == kind)
    where = next(chain(contracts, ids_that_begin_with(addition, kind)), None)
    if where is not None:
        raise Taken(f"Ids that begin with {kind}/ are there already ({where})", "Choose another name.")


def ids_that_begin_with(addition: Addition, kind: str) -> Iterator[str]:
    """Where ids of this service begin with a kind."""
    if kind in KINDS_OF_THE_RUNTIME:
        yield KINDS_OF_THE_RUNTIME[kind]
    yield from (at(it.place) for it in addition.service.gates_spelling(kind) if it.name == kind)
    yield from (at(it.place) for it in addition.service.keys if it.kind == kind)
    api = PurePosixPath(addition.project.package, "api")
    for path in addition.project.files.containing(api, kind.encode()):
        yield from (f"{path}:{line}" for found, line in addition.service.kinds_in(path) if found == kind)


def at(place: Place) -> str:
    """A place as an error shows it."""
    return f"{place.path}:{place.line}"


def tests_path(kind: str, name: Noun) -> PurePosixPath:
    """The test of something that was added."""
    return PurePosixPath("tests", f"test_{kind}_{name.snake}.py")


def _written(source: Source, write: Callable[[Bind], str]) -> tuple[Source, str]:
    """The text that ``write`` gives for a module, and the module with the imports that the text needs."""

    def bind(module: str, name: str | None) -> str:
        nonlocal source
        source, expression = source.bind(module, name)
        return expression

    text = write(bind)
    return source, text


def _shown(value: object) -> str:
    if isinstance(value, str) and len(value) > _LONGEST_SHOWN:  # a schema
        return f"{value[:_LONGEST_SHOWN]}…"
    if isinstance(value, list):
        return " ".join(map(str, value)) or "none"
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
