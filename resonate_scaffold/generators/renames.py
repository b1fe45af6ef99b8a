"""What every `rename` shares: new names are collected here, and come out as one plan with the records."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from resonate_scaffold.edit.source import Source
from resonate_scaffold.edit.text import Cut
from resonate_scaffold.errors import Taken
from resonate_scaffold.formatting import Draft, lay_out
from resonate_scaffold.forms import form
from resonate_scaffold.names import Noun
from resonate_scaffold.plan import Change, Create, Delete, Edit, Plan
from resonate_scaffold.project import Added, ChangedFiles, Edited, Project
from resonate_scaffold.service.renaming import FieldName, Renaming
from resonate_scaffold.service.service import Service

_SHOWN = 6  # places that a note names
_TEXTS = (tokenize.STRING, tokenize.COMMENT, tokenize.FSTRING_MIDDLE)


class Renames:
    """Collects one ``rename``. Nothing is written: :meth:`plan` says what would be.

    ``words`` are how the old name is spelled: strings and comments that still have one are named, and stay.
    """

    def __init__(self, project: Project) -> None:
        project.check_layout()
        self.project = project
        self.service = Service(project)
        self.notes: list[str] = []
        self.words: list[str] = []
        self.stays = ""
        """A name that lives on: strings may go on to begin with it, and texts to have it in backticks."""
        self.field: FieldName | None = None
        self.renamed: dict[tuple[str, str], str] = {}
        """New names of records, by kind and name."""
        self.options: Callable[[Added], Mapping[str, Any]] = lambda record: record.options
        """What the options of a record become."""
        self._names: dict[str, str] = {}
        self._cuts: dict[PurePosixPath, set[Cut]] = {}
        self._texts: dict[PurePosixPath, bytes] = {}
        self._needs: list[tuple[PurePosixPath, str, str]] = []

    def name(self, qualified: str, new: str) -> None:
        """Give something another name: a module, or what one defines."""
        self._names[qualified] = new

    def module(self, qualified: str, new: str) -> bool:
        """Give a module or a package another name, if it is there.

        Raises:
            Taken: there is one of that name.
        """
        path = self.path_of(qualified)
        if path is None:
            return False
        self.name(qualified, new)
        target = self._moved(path)
        if target != path and self.project.exists(target):
            raise Taken(f"{target} is there already", "Choose another name.")
        return True

    def path_of(self, qualified: str) -> PurePosixPath | None:
        """The file of a module, of the package or of the tests; of a package its `__init__.py`."""
        parts = qualified.split(".")
        base = PurePosixPath(*(parts if parts[0] == "tests" else [self.project.package, *parts]))
        found = (base.with_name(f"{base.name}.py"), base / "__init__.py")
        return next((path for path in found if path in self.project.files), None)

    def definitions(self, module: str, old: Noun, new: Noun) -> None:
        """Give what a module defines, and is called after the old name, names after the new one."""
        path = self.path_of(module)
        if path is None:
            return
        for name in self.service.source(path).definitions():
            if name.startswith(old.pascal) and name[0].isupper():
                self.name(f"{module}.{name}", new.pascal + name.removeprefix(old.pascal))
            elif name[0].islower() and (found := re.sub(_part(old.snake), new.snake, name)) != name:
                self.name(f"{module}.{name}", found)

    def tests(self, kind: str, old: Noun, new: Noun) -> None:
        """Give the test of something another name."""
        module = f"tests.test_{kind}_{old.snake}"
        if self.module(module, f"test_{kind}_{new.snake}"):
            self.definitions(module, old, new)

    def cut(self, path: PurePosixPath, *cuts: Cut) -> None:
        """Replace spans of a file."""
        self._cuts.setdefault(path, set()).update(cuts)

    def constant(self, path: PurePosixPath, node: ast.AST | None, old: str, new: str) -> None:
        """Replace a text at its beginning, in a string of a file; other strings stay."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(old):
            source = self.service.source(path)
            start, end = source._span(node)
            at = source.content.find(old.encode(), start, end)
            if at >= 0:
                self.cut(path, (at, at + len(old.encode()), new))

    def said(self, path: PurePosixPath, pattern: str, new: str) -> None:
        """Replace what matches in the docstrings and comments of a file."""
        source = self.service.source(path)
        documented = {source._span(it) for it in _docstrings(source.tree)}
        spans = [*documented, *(span for kind, span, _ in _tokens(source) if kind == tokenize.COMMENT)]
        for start, end in spans:
            for match in re.finditer(pattern.encode(), source.content[start:end]):
                self.cut(path, (start + match.start(), start + match.end(), new))

    def needs(self, path: PurePosixPath, module: str, name: str) -> None:
        """Import a name into a file, unless it is there."""
        self._needs.append((path, module, name))

    def text(self, path: PurePosixPath, change: Callable[[bytes], bytes]) -> None:
        """Change a file that is not Python, if it is there."""
        if path in self.project.files:
            self._texts[path] = change(self._texts.get(path, self.project.files[path]))

    def plan(self) -> Plan:
        """All of it as one plan."""
        renaming = Renaming(self.service, self._names, self.field)
        contents = {**renaming.contents(self._cuts), **self._texts}
        for path, module, name in self._needs:
            contents[path] = Source.parse(path, contents[path], self.project.package).bind(module, name)[0].content
        contents |= self._laid_out(contents)
        moved = {path: self._moved(path) for path in self.project.files if path.suffix == ".py"}
        changes: list[Change] = []
        for path in sorted({*contents, *(path for path, target in moved.items() if path != target)}):
            before, target = self.project.files[path], moved.get(path, path)
            after = contents.get(path, before)
            if target != path:
                changes += [Delete(path, before), Create(target, after)]
            elif after != before:
                changes.append(Edit(path, before, after))
        changes += self._records(contents, moved, renaming)
        self.notes += self._left(contents, moved)
        if renaming.doubtful:
            assert self.field is not None
            places = [f"{moved[PurePosixPath(it.path)]}:{it.line}" for it in sorted(set(renaming.doubtful))]
            self.notes.append(f"Whose .{self.field.old} this is the code does not tell; it stays: {_shown(places)}")
        return Plan(tuple(sorted(changes, key=lambda change: change.path)), tuple(self.notes))

    def _laid_out(self, contents: Mapping[PurePosixPath, bytes]) -> dict[PurePosixPath, bytes]:
        """The changed Python as the project's ruff lays it out: a name is sorted, and breaks a line, by its length."""
        drafts = (Draft(it, self.project.files[it], content) for it, content in contents.items() if it.suffix == ".py")
        files = ChangedFiles(self.project.files, {self._moved(it): text for it, text in self.project.files.items()})
        return lay_out(files, drafts)  # which also has to know the modules by their new names

    def _moved(self, path: PurePosixPath) -> PurePosixPath:
        """Where a file will be."""
        parts = list(path.with_suffix("").parts)
        first = 1 if parts[0] == self.project.package else 0
        new = [self._names.get(".".join(parts[first : at + 1]), parts[at]) for at in range(first, len(parts))]
        return PurePosixPath(*parts[:first], *new).with_suffix(path.suffix)

    def _records(
        self,
        contents: Mapping[PurePosixPath, bytes],
        moved: Mapping[PurePosixPath, PurePosixPath],
        renaming: Renaming,
    ) -> Iterator[Change]:
        project = self.project

        def made(path: PurePosixPath, known: str) -> str:
            if path not in contents or project.is_changed(path, known):
                return known
            return form(moved.get(path, path), contents[path])

        def edited(known: Edited) -> Edited:
            return replace(known, lists=tuple((name, self._key(key, renaming)) for name, key in known.lists))

        for record in project.adds():
            files = {PurePosixPath(path): known for path, known in record.files.items()}
            edits = {PurePosixPath(path): known for path, known in record.edits.items()}
            new = replace(
                record,
                name=self.renamed.get((record.kind, record.name), record.name),
                options=self.options(record),
                files={str(moved.get(path, path)): made(path, known) for path, known in files.items()},
                edits={str(moved.get(path, path)): edited(known) for path, known in edits.items()},
            )
            before = project.files[record.path]
            if new.path != record.path:
                yield from (Delete(record.path, before), Create(new.path, new.to_bytes()))
            elif new != record:
                yield Edit(record.path, before, new.to_bytes())

    def _doubtful(self, text: str) -> str:
        """A string or a comment without what it says rightly."""
        name = re.escape(self.stays)
        return re.sub(rf"`{name}(?:/[^`]*)?`|^[a-zA-Z]*[\"']{name}(?=[/\"'])", "", text) if self.stays else text

    def _key(self, key: str, renaming: Renaming) -> str:
        """What finds an element of a list: a qualified name; of a group its name."""
        return renaming.name_of(key) if "." in key else self.renamed.get(("group", key), key)

    def _left(
        self, contents: Mapping[PurePosixPath, bytes], moved: Mapping[PurePosixPath, PurePosixPath]
    ) -> Iterator[str]:
        """Which strings and comments still say one of the words."""
        if not self.words:
            return
        pattern = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, self.words))})(?![\w-]|\.\w)")
        places: list[str] = []
        for path, target in sorted(moved.items()):
            content = contents.get(path, self.project.files[path])
            if any(word.encode() in content for word in self.words):
                source = Source.parse(target, content, self.project.package)
                places += [
                    f"{target}:{line}" for _, _, (line, text) in _tokens(source) if pattern.search(self._doubtful(text))
                ]
        if places:
            yield f"Strings and comments still say {' or '.join(self.words)}; see if they mean it: {_shown(places)}"


def _part(snake: str) -> str:
    return rf"(?<![a-z0-9]){re.escape(snake)}(?![a-z0-9])"


def _shown(places: list[str]) -> str:
    places = list(dict.fromkeys(places))
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return ", ".join(places[:_SHOWN]) + more


def _docstrings(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            match node.body:
                case [ast.Expr(value=ast.Constant(value=str()) as text), *_]:
                    yield text


def _tokens(source: Source) -> Iterator[tuple[int, tuple[int, int], tuple[int, str]]]:
    """The strings and comments of a file: kind, span in bytes, line and text."""
    lines = source._lines
    for token in tokenize.tokenize(io.BytesIO(source.content[lines[0] :]).readline):
        if token.type in _TEXTS:
            (line, column), (last, end) = token.start, token.end
            first, final = token.line, token.line.splitlines(keepends=True)[-1:] or [""]
            start = lines[line - 1] + len(first[:column].encode())
            stop = (
                lines[last - 1] + len(final[0][:end].encode()) if last != line else start + len(token.string.encode())
            )
            yield token.type, (start, stop), (line, token.string)
