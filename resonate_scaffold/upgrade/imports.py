"""Merge what three versions of a module import, as a set of names: their order and their lines do not count."""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

type Import = ast.Import | ast.ImportFrom


@dataclass(frozen=True, slots=True)
class Statement:
    """An import with its lines, and the comments in it and above it."""

    node: Import
    text: str
    comments: tuple[str, ...] = ()

    def names(self) -> Iterator[tuple[str, Imported]]:
        """What it imports, by the names that the module knows it under."""
        for it in self.node.names:
            if isinstance(self.node, ast.Import):
                # `import a.b` binds `a`, and another `import a.c` does not take its place.
                yield it.asname or it.name, Imported(None, it.name, it.asname)
            else:
                module = "." * self.node.level + (self.node.module or "")
                yield (it.asname or it.name if it.name != "*" else f"{module}.*"), Imported(module, it.name, it.asname)


@dataclass(frozen=True, slots=True)
class Imported:
    """A name of a module, or a module where ``module`` is None."""

    module: str | None
    name: str
    alias: str | None

    @property
    def line(self) -> str:
        """The statement that imports it."""
        alias = "" if self.alias is None else f" as {self.alias}"
        return f"import {self.name}{alias}" if self.module is None else f"from {self.module} import {self.name}{alias}"


@dataclass(frozen=True, slots=True)
class Names:
    """The names that code reads, and those that it gives a value."""

    read: frozenset[str]
    bound: frozenset[str]

    @property
    def missing(self) -> frozenset[str]:
        """What is read, and is nothing that is there."""
        return self.read - self.bound - set(dir(builtins)) - {"__file__", "__name__", "__doc__"}

    def reads(self, name: str) -> bool:
        """Whether what is imported under a name is read."""
        return name.partition(".")[0] in self.read


def names_of(tree: ast.Module) -> Names:
    """The names of a module, those in its functions included."""
    read, bound = set[str](), set[str]()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                read.add(name)
            case ast.Name(id=name) | ast.TypeVar(name=name) | ast.TypeVarTuple(name=name) | ast.ParamSpec(name=name):
                bound.add(name)
            case ast.arg(arg=name) | ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                bound.add(name)
            case ast.AsyncFunctionDef(name=name) | ast.ExceptHandler(name=str(name)):
                bound.add(name)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                bound.add(name)
            case ast.alias(name=name, asname=alias):
                bound.add((alias or name).partition(".")[0])
            case ast.Constant(value=str(text)) if text.isidentifier():
                read.add(text)  # An annotation in quotes, or one of `__all__`; or a word, which does no harm.
    return Names(frozenset(read), frozenset(bound))


def merge_imports(
    base: Sequence[Statement],
    ours: Sequence[Statement],
    theirs: Sequence[Statement],
    code: tuple[Names, Names, Names],
) -> str | None:
    """The imports of a merged module; None where both sides import something different under one name.

    Theirs stays, but for what we took out and what nothing reads any more. Of ours comes what the merged code reads,
    and what we import and do not read: that was meant.

    Args:
        code: the names of the code below the imports: of ours, of theirs, and merged.
    """
    of_ours, of_theirs, merged = code
    before, mine, new = (dict(pair for it in side for pair in it.names()) for side in (base, ours, theirs))
    kept: dict[str, Imported] = {}
    for local, it in new.items():
        other = mine.get(local, before.get(local))
        if other not in (it, before.get(local)) and before.get(local) == it:
            kept[local] = mine[local]
        elif local in mine and other not in (it, before.get(local)):
            return None
        elif merged.reads(local) or (not of_theirs.reads(local) and (local in mine or local not in before)):
            kept[local] = it
    for local, it in mine.items():
        wanted = merged.reads(local) if of_ours.reads(local) else local not in before
        if local not in kept and local.partition(".")[0] not in merged.bound and wanted:
            kept[local] = it
    return "".join(_lines(kept, theirs, _added_comments(base, ours)))


def _lines(
    kept: dict[str, Imported], theirs: Sequence[Statement], comments: Sequence[tuple[Statement, str]]
) -> Iterator[str]:
    """Theirs as it stands where all of it is kept, then the rest; comments above what they are of."""
    left = dict(kept)
    places = list[tuple[str, dict[str, Imported]]]()
    for statement in theirs:
        found = {local: it for local, it in statement.names() if kept.get(local) == it}
        places.append(
            (statement.text if len(found) == len(statement.node.names) else _written(found, statement.comments), found)
        )
        for local in found:
            left.pop(local, None)
    places += [(f"{it.line}\n", {local: it}) for local, it in left.items()]
    above: dict[int, list[str]] = {}
    for statement, comment in comments:
        names = dict(statement.names())
        at = next((at for at, (_, found) in enumerate(places) if names.keys() & found.keys()), len(places))
        above.setdefault(at, []).append(f"{comment}\n")
    for at, (text, _) in enumerate([*places, ("", {})]):
        blank = text[: len(text) - len(text.lstrip("\n"))]
        yield blank + "".join(above.get(at, [])) + text[len(blank) :]


def _written(found: dict[str, Imported], comments: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in [*(comments if found else ()), *(it.line for it in found.values())])


def _added_comments(base: Sequence[Statement], ours: Sequence[Statement]) -> list[tuple[Statement, str]]:
    """The comments that we wrote, each with the import that it is of."""
    known = Counter(comment for it in base for comment in it.comments)
    found = []
    for statement in ours:
        for comment in statement.comments:
            if known[comment]:
                known[comment] -= 1
            else:
                found.append((statement, comment))
    return found
