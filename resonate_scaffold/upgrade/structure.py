"""Merge three versions of a Python module by its statements, where a merge by lines has a conflict.

Statements are the same where their syntax and their comments are, however they are laid out. Those with a body are
merged by their head and by the statements in it; others by their parts, such as the arguments of a call. What each side
imports is merged as a set: see :mod:`.imports`.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import pairwise

from resonate_scaffold.upgrade.expressions import merge_expressions
from resonate_scaffold.upgrade.imports import Names, Statement, merge_imports, names_of
from resonate_scaffold.upgrade.lines import merge_lines
from resonate_scaffold.upgrade.sequences import Conflict, Item, Piece, merge_items

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_WITH_BODY = (*_DEFINITIONS, ast.With, ast.AsyncWith, ast.For, ast.AsyncFor, ast.While, ast.If)
_IMPORTS = (ast.Import, ast.ImportFrom)


@dataclass(frozen=True, slots=True)
class MergedText:
    """A file that was merged, and in how many places it has markers of a conflict."""

    text: str
    conflicts: int


def merge_modules(base: str, ours: str, theirs: str, version: str) -> MergedText | None:
    """Merge what changed from *base* to *ours* with what changed to *theirs*.

    ``version`` is what markers call their side. None where one of them is no Python, or where it is not certain that
    the result means what both sides do: where a name would be used that nothing defines, or the result is no Python.
    """
    try:
        before, mine, new = _Module.of(base), _Module.of(ours), _Module.of(theirs)
    except (SyntaxError, ValueError, RecursionError, tokenize.TokenError):
        return None
    merger = _Merger(version)
    head = merger.merged(before.head, mine.head, new.head)
    code = merger.merged(before.code, mine.code, new.code)
    names = _names(code, merger.conflicts)
    if names is None:
        return None
    imports = merge_imports(before.imports, mine.imports, new.imports, (mine.names, new.names, names))
    if imports is None:
        return None
    between = "\n" if imports and code and not code.startswith("\n") else ""
    text = f"{head}{imports}{between}{code}".lstrip("\n")
    if merger.conflicts == 0:
        merged = _names(text, 0)
        if merged is None or merged.missing - names_of(mine.tree).missing - names_of(new.tree).missing:
            return None
    return MergedText(text, merger.conflicts)


def _names(text: str, conflicts: int) -> Names | None:
    """The names of a text; of one with markers all words, since it is no Python. None where it should be and is not."""
    if conflicts:
        return Names(frozenset(re.findall(r"\w+", text)), frozenset())
    try:
        return names_of(ast.parse(text))
    except (SyntaxError, ValueError, RecursionError):
        return None


class _Source:
    """A module's text, its syntax and its comments."""

    def __init__(self, text: str) -> None:
        self.tree = ast.parse(text)
        self.text = text if text.endswith("\n") or not text else f"{text}\n"
        self.lines = self.text.splitlines(keepends=True)
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        self.comments = {it.start[0]: it.string for it in tokens if it.type == tokenize.COMMENT}
        if "\f" in text or "\r" in text or len(self.lines) != self.text.count("\n"):
            raise ValueError("lines that are counted in different ways")

    def part(self, first: int, last: int) -> str:
        """The lines from one to another, with the empty ones above."""
        while first > 1 and not self.lines[first - 2].strip():
            first -= 1
        return "".join(self.lines[first - 1 : last])

    def is_comment(self, line: int) -> bool:
        """Whether a line that is in no statement is a comment."""
        return self.lines[line - 1].lstrip(" ").startswith("#")

    def comments_in(self, first: int, last: int) -> list[tuple[int, str]]:
        """The comments on some lines."""
        return [(line, text) for line, text in self.comments.items() if first <= line <= last]


@dataclass(frozen=True, slots=True)
class _Code:
    """A statement in its module; or a variable with the text that documents it."""

    source: _Source
    nodes: tuple[ast.stmt, ...]
    first: int
    last: int
    in_function: bool

    @property
    def comments(self) -> list[tuple[int, str]]:
        return self.source.comments_in(self.first, self.last)

    @property
    def syntax(self) -> list[str]:
        return [ast.dump(node) for node in self.nodes]

    def item(self, *, name: str | None = None, is_free: bool = False) -> Item:
        key = "\n".join([*self.syntax, *(text for _, text in self.comments)])
        return Item(key, self.source.part(self.first, self.last), name, is_free=is_free, node=self)


@dataclass(frozen=True, slots=True)
class _Module:
    """What a module says before its imports, its imports, and the rest."""

    tree: ast.Module
    head: list[Item]
    imports: list[Statement]
    code: list[Item]

    @property
    def names(self) -> Names:
        """The names of all but the imports."""
        return names_of(ast.Module([node for node in self.tree.body if not isinstance(node, _IMPORTS)], []))

    @classmethod
    def of(cls, text: str) -> _Module:
        source = _Source(text)
        body = source.tree.body
        at = 1 if body and _is_text(body[0]) else 0
        count = at
        while count < len(body) and isinstance(body[count], _IMPORTS):
            count += 1
        end_of_head = _last(body[at - 1]) if at else 0
        end_of_imports = _last(body[count - 1]) if count > at else end_of_head
        imports = []
        reached = end_of_head
        for node in body[at:count]:
            if not isinstance(node, _IMPORTS) or node.lineno <= reached:
                raise ValueError("two statements on a line")
            comments = tuple(text for _, text in source.comments_in(reached + 1, _last(node)))
            imports.append(Statement(node, source.part(reached + 1, _last(node)), comments))
            reached = _last(node)
        return cls(
            source.tree,
            list(_items(source, body[:at], 1, end_of_head, in_function=False)),
            imports,
            list(_items(source, body[count:], end_of_imports + 1, len(source.lines), in_function=False)),
        )


def _items(source: _Source, body: Sequence[ast.stmt], first: int, last: int, *, in_function: bool) -> Iterator[Item]:
    """The statements on some lines, and the comments between them, a line each."""
    reached = first
    units = list(_units(body, in_function=in_function))
    ends = [_first(unit[0]) - 1 for unit in units[1:]]
    for unit, until in zip(units, [*ends, last] if units else [], strict=True):
        start = _first(unit[0])
        if start < reached:
            raise ValueError("two statements on a line")
        yield from _comments(source, reached, start - 1)
        end = _end(source, unit[-1], until)
        code = _Code(source, unit, start, end, in_function or isinstance(unit[0], _DEFINITIONS[:2]))
        yield code.item(name=_name(unit[0], in_function, unit is units[0]), is_free=_is_free(unit[0], in_function))
        reached = end + 1
    yield from _comments(source, reached, last)


def _units(body: Sequence[ast.stmt], *, in_function: bool) -> Iterator[tuple[ast.stmt, ...]]:
    """Statements, a variable's together with the text that documents it."""
    skipped = False
    for node, following in pairwise([*body, None]):
        if skipped or node is None:
            skipped = False
            continue
        documented = isinstance(node, ast.Assign | ast.AnnAssign) and following is not None and _is_text(following)
        skipped = documented and not in_function
        yield (node, following) if skipped and following is not None else (node,)


def _comments(source: _Source, first: int, last: int) -> Iterator[Item]:
    for line in range(first, last + 1):
        if source.is_comment(line):
            yield Item(source.lines[line - 1].strip(), source.part(line, line), is_comment=True)
        elif source.lines[line - 1].strip():
            raise ValueError("a line that is no statement")


def _end(source: _Source, node: ast.stmt, until: int) -> int:
    """The last line of a statement, with the comments at the end of its body."""
    end = _last(node)
    if not isinstance(node, _WITH_BODY):
        return end
    for line in range(end + 1, until + 1):
        text = source.lines[line - 1]
        if text.strip():
            if not source.is_comment(line) or len(text) - len(text.lstrip(" ")) <= node.col_offset:
                break
            end = line
    return end


def _first(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(it.lineno for it in decorators)])


def _last(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _name(node: ast.stmt, in_function: bool, is_first: bool) -> str | None:
    """What a statement is known by, wherever it stands."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return f"def {name}"
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) if not in_function:
            return f"{name} ="
        case _:
            return "text" if is_first and _is_text(node) else None


def _is_free(node: ast.stmt, in_function: bool) -> bool:
    if in_function:
        return False
    return isinstance(node, (*_DEFINITIONS, *_IMPORTS, ast.Assign, ast.AnnAssign, ast.TypeAlias))


class _Merger:
    """Merges what both sides changed, and counts what it cannot."""

    def __init__(self, version: str) -> None:
        self._version = version
        self.conflicts = 0

    def merged(self, base: Sequence[Item], ours: Sequence[Item], theirs: Sequence[Item]) -> str:
        """The text of what was merged, with markers around what was not."""
        return self._rendered(merge_items((base, ours, theirs), self.both))

    def _rendered(self, pieces: Sequence[Piece]) -> str:
        return "".join(
            _apart(piece, before) if isinstance(piece, Item) else self._marked(piece)
            for before, piece in pairwise([None, *pieces])
            if piece is not None
        )

    def _marked(self, conflict: Conflict) -> str:
        self.conflicts += 1
        ours, theirs = ("".join(it.text for it in side) for side in (conflict.ours, conflict.theirs))
        return f"<<<<<<< yours\n{ours}=======\n{theirs}>>>>>>> {self._version}\n"

    def both(self, base: Item, ours: Item, theirs: Item) -> Piece:
        """An item that both sides changed."""
        conflict = Conflict((ours,), (theirs,))
        before, mine, new = base.node, ours.node, theirs.node
        if not isinstance(before, _Code) or not isinstance(mine, _Code) or not isinstance(new, _Code):
            return conflict
        return (
            self._by_body(before, mine, new)
            or _by_comments(before, mine, ours, new, theirs)
            or _by_parts(before, mine, new)
            or conflict
        )

    def _by_body(self, before: _Code, mine: _Code, new: _Code) -> Item | None:
        """A statement with a body, by its head and its body; None where it has none, or the head is in conflict."""
        sides = before, mine, new
        kinds = {type(side.nodes[0]) for side in sides}
        if len(kinds) > 1 or not all(_has_body(side) for side in sides):
            return None
        head = merge_items((list(_head(before)), list(_head(mine)), list(_head(new))), self.both)
        if any(isinstance(piece, Conflict) for piece in head):
            return None
        text = self._rendered(head) + self.merged(*(_in_body(side) for side in sides))
        return Item("", text, _name(new.nodes[0], new.in_function, False))


def _in_body(side: _Code) -> list[Item]:
    body = _body(side.nodes[0])
    return list(_items(side.source, body, _body_starts(side), side.last, in_function=side.in_function))


def _body(node: ast.stmt) -> list[ast.stmt]:
    found: list[ast.stmt] = getattr(node, "body", [])
    return found


def _apart(item: Item, before: Piece | None) -> str:
    """The text of an item. A definition that came first where it was has empty lines above it where it is now."""
    is_after_comment = isinstance(before, Item) and before.is_comment
    if before is None or is_after_comment or item.text.startswith("\n") or not (item.name or "").startswith("def "):
        return item.text
    return f"{'\n' if item.text.startswith(' ') else '\n\n'}{item.text}"


def _has_body(side: _Code) -> bool:
    """Whether a statement has a body on lines of its own, and nothing after it."""
    node = side.nodes[0]
    if not isinstance(node, _WITH_BODY) or getattr(node, "orelse", []):
        return False
    line = side.source.lines[_first(node.body[0]) - 1]
    return len(line) - len(line.lstrip(" ")) == node.body[0].col_offset


def _body_starts(side: _Code) -> int:
    """The line after the one that ends in a colon: comments that follow are of the body."""
    node = side.nodes[0]
    line = _first(_body(node)[0]) - 1
    while not side.source.lines[line - 1].strip() or side.source.is_comment(line):
        line -= 1
    return line + 1


def _head(side: _Code) -> Iterator[Item]:
    """The decorators of a statement, and the rest of what is before its body."""
    node, source = side.nodes[0], side.source
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    starts = [it.lineno for it in decorators] + [node.lineno]
    ends = [start - 1 for start in starts[1:]] + [_body_starts(side) - 1]
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        syntax = f"@{ast.dump(decorators[number])}" if number < len(decorators) else ast.dump(_without_body(node))
        comments = [text for _, text in source.comments_in(start, end)]
        text = source.part(start, end) if number == 0 else "".join(source.lines[start - 1 : end])
        yield Item("\n".join([syntax, *comments]), text, "" if number == len(decorators) else None)


def _without_body(node: ast.stmt) -> ast.stmt:
    found = copy(node)
    for name in ("body", "decorator_list"):
        if hasattr(found, name):
            setattr(found, name, [])
    return found


def _by_comments(before: _Code, mine: _Code, ours: Item, new: _Code, theirs: Item) -> Item | None:
    """A statement of which one side changed the comments alone.

    Comments that we wrote stand above it. None where they are in the midst of something.
    """
    if mine.syntax != before.syntax:
        return ours if new.syntax == before.syntax else None
    known = Counter(text for _, text in before.comments)
    found = []
    for line, text in mine.comments:
        if known[text]:
            known[text] -= 1
        elif line in (mine.first, mine.last) or len(mine.nodes) > 1:
            found.append(text)
        else:
            return None
    blank = theirs.text[: len(theirs.text) - len(theirs.text.lstrip("\n"))]
    code = theirs.text[len(blank) :]
    indent = code[: len(code) - len(code.lstrip(" "))]
    return Item("", blank + "".join(f"{indent}{text}\n" for text in found) + code, theirs.name)


def _by_parts(before: _Code, mine: _Code, new: _Code) -> Item | None:
    """A statement without a body, by its parts."""
    sides = (before, mine, new)
    if any(side.comments or len(side.nodes) != 1 for side in sides):
        return None
    sources = [side.source.text for side in sides]
    if all(_is_text(side.nodes[0]) for side in sides):
        return _by_lines(before, mine, new)
    merged = merge_expressions([side.nodes[0] for side in sides], sources)
    if merged is None:
        return None
    text = new.source.part(new.first, new.last)
    blank = text[: len(text) - len(text.lstrip("\n"))]
    return Item("", f"{blank}{' ' * new.nodes[0].col_offset}{merged}\n")


def _by_lines(*sides: _Code) -> Item | None:
    """A text that documents something."""
    merged = merge_lines(*(side.source.part(side.first, side.last) for side in sides))
    return None if merged is None else Item("", merged)
